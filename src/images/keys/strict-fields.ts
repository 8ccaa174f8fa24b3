import { ImageError } from '../../base/errors.ts';
import { isKeyVersion } from '../image-text.ts';
import type { JsonValue } from './canonical-json.ts';

/** Reads values of JSON by a strict schema: what is missing, too much or of another kind refuses the whole. Errors name the file, and the value by its path. */
export class StrictFields {
  readonly #subject: string;

  /** @param subject the name of the file */
  constructor(subject: string) {
    this.#subject = subject;
  }

  /** @throws {ImageError} ERR_KEY_STORAGE, always */
  refuse(where: string, what: string): never {
    throw new ImageError(this.#subject, 'ERR_KEY_STORAGE', `${where}: ${what}`);
  }

  /** An object with these names, all of them, and those that may be left out. */
  object(
    value: JsonValue | undefined,
    where: string,
    names: readonly string[],
    optional: readonly string[] = [],
  ): Readonly<Record<string, JsonValue | undefined>> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.refuse(where, 'is no object');
    const object = value as Readonly<Record<string, JsonValue>>;
    for (const name of names) if (!Object.hasOwn(object, name)) this.refuse(where, `has no ${name}`);
    for (const name of Object.keys(object))
      if (!names.includes(name) && !optional.includes(name)) this.refuse(where, 'has a name that is not known');
    return object;
  }

  /** Any object: a map from names to values. */
  map(value: JsonValue | undefined, where: string, maxNames: number): readonly (readonly [string, JsonValue])[] {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.refuse(where, 'is no object');
    const entries = Object.entries(value as Readonly<Record<string, JsonValue>>);
    if (entries.length > maxNames) this.refuse(where, `has more than ${maxNames} names`);
    return entries;
  }

  array(value: JsonValue | undefined, where: string, maxItems: number): readonly JsonValue[] {
    if (!Array.isArray(value)) this.refuse(where, 'is no array');
    const items = value as readonly JsonValue[];
    if (items.length > maxItems) this.refuse(where, `has more than ${maxItems} items`);
    return items;
  }

  integer(value: JsonValue | undefined, where: string, least: number, most: number): number {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most)
      this.refuse(where, `is no whole number from ${least} to ${most}`);
    return value;
  }

  oneOf<T extends string>(value: JsonValue | undefined, where: string, words: readonly T[]): T {
    const word = words.find((one) => one === value);
    if (word === undefined) this.refuse(where, `is none of ${words.join(', ')}`);
    return word;
  }

  /** A key version: a letter from A to Z. */
  version(value: JsonValue | undefined, where: string): string {
    if (typeof value !== 'string' || !isKeyVersion(value)) this.refuse(where, 'is no letter from A to Z');
    return value;
  }

  /** A SHA-256 in lower-case hex. */
  sha256(value: JsonValue | undefined, where: string): string {
    if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) this.refuse(where, 'is no SHA-256 in hex');
    return value;
  }

  /** Base64 (RFC 4648, 4) in its one form, of at least one octet. */
  bytes(value: JsonValue | undefined, where: string, most: number): Uint8Array {
    if (typeof value !== 'string' || value === '' || value.length > Math.ceil(most / 3) * 4)
      this.refuse(where, 'is no base64 of the allowed length');
    const bytes = Buffer.from(value, 'base64');
    if (bytes.toString('base64') !== value || bytes.length > most) this.refuse(where, 'is no base64');
    return bytes;
  }
}
