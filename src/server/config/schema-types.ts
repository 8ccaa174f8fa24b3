/**
 * The description of a value in a configuration file. It is data: the checker, the JSON schema for editors and the reference are all made from it. `T` is what the checker
 * gives; it exists for the compiler only.
 */
export type Type<T> = TypeNode & { readonly gives?: T };

export type TypeNode =
  | TextType
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  /** Bytes. */
  | { readonly kind: 'size'; readonly min: number; readonly max: number }
  /** Milliseconds. */
  | { readonly kind: 'duration'; readonly min: number; readonly max: number }
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  | { readonly kind: 'list'; readonly of: TypeNode; readonly min: number; readonly max: number }
  | { readonly kind: 'object'; readonly fields: readonly FieldNode[] };

export interface TextType {
  readonly kind: 'text';
  /** What is expected, for messages: `ADDRESS:PORT`. */
  readonly what: string;
  /** Never shown. */
  readonly secret: boolean;
  readonly maxLength: number;
  readonly examples: readonly string[];
  /** Gives the value; undefined where the text is not `what`. */
  readonly read: (text: string) => unknown;
}

export interface FieldNode {
  /** The property of the value. */
  readonly property: string;
  /** The key in the file. */
  readonly key: string;
  readonly type: TypeNode;
  readonly doc: string;
  readonly presence: Presence;
}

/** What stands for a field that is absent: nothing, a value as it would be written in the file, or an object of which all is absent. */
export type Presence =
  | { readonly kind: 'required' }
  | { readonly kind: 'optional'; readonly otherwise: string | undefined }
  | { readonly kind: 'default'; readonly value: PlainValue }
  | { readonly kind: 'section' };

export type PlainValue = string | number | boolean | readonly PlainValue[];

/** A field of an object, the property and the key apart. */
export interface Field<T> {
  readonly type: Type<Exclude<T, undefined>>;
  readonly doc: string;
  readonly presence: Presence;
  readonly key?: string;
  readonly gives?: T;
}

/** Texts longer than this are not what anybody meant. */
const MAX_TEXT = 4096;

/** Lists longer than this belong in another place. */
const MAX_ITEMS = 10_000;

export function text<T = string>(
  what: string,
  options: {
    readonly secret?: boolean;
    readonly maxLength?: number;
    readonly examples?: readonly string[];
    readonly read?: (text: string) => T | undefined;
  } = {},
): Type<T> {
  const { secret = false, maxLength = MAX_TEXT, examples = [], read = (given: string): unknown => given } = options;
  return { kind: 'text', what, secret, maxLength, examples, read };
}

export const boolean: Type<boolean> = { kind: 'boolean' };

export function integer(min: number, max: number): Type<number> {
  return { kind: 'integer', min, max };
}

/** Bytes. */
export function size(min: number, max: number = Number.MAX_SAFE_INTEGER): Type<number> {
  return { kind: 'size', min, max };
}

/** Milliseconds. Timers take no more than 2^31-1. */
export function duration(min: number, max = 2_147_483_647): Type<number> {
  return { kind: 'duration', min, max };
}

export function choice<const T extends string>(...values: readonly T[]): Type<T> {
  return { kind: 'choice', values };
}

/** One value in place of a list is a list of one. */
export function list<T>(of: Type<T>, min = 0, max: number = MAX_ITEMS): Type<readonly T[]> {
  return { kind: 'list', of, min, max };
}

/** Keys are the properties in kebab case, unless a field says otherwise. */
export function object<T>(fields: { readonly [K in keyof T]-?: Field<T[K]> }): Type<T> {
  const nodes = Object.entries(fields as Record<string, Field<unknown>>).map(([property, field]) => ({
    property,
    key: field.key ?? kebab(property),
    type: field.type as TypeNode,
    doc: field.doc,
    presence: field.presence,
  }));
  return { kind: 'object', fields: nodes };
}

export function required<T>(type: Type<T>, doc: string): Field<T> {
  return { type: type as Type<Exclude<T, undefined>>, doc, presence: { kind: 'required' } };
}

/** @param otherwise what happens without it, for the reference */
export function optional<T>(type: Type<T>, doc: string, otherwise?: string): Field<T | undefined> {
  return { type: type as Type<Exclude<T, undefined>>, doc, presence: { kind: 'optional', otherwise } };
}

/** @param value as it would be written in the file */
export function otherwise<T>(type: Type<T>, value: PlainValue, doc: string, key?: string): Field<T> {
  const presence: Presence = { kind: 'default', value };
  return { type: type as Type<Exclude<T, undefined>>, doc, presence, ...(key === undefined ? {} : { key }) };
}

export function section<T>(type: Type<T>, doc: string): Field<T> {
  return { type: type as Type<Exclude<T, undefined>>, doc, presence: { kind: 'section' } };
}

function kebab(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
