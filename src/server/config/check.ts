import { nearest } from './nearest.ts';
import type { Place, Problems } from './problems.ts';
import type { FieldNode, PlainValue, TextType, Type, TypeNode } from './schema-types.ts';
import { formatBytes, formatMilliseconds, readDuration, readSize } from './units.ts';
import { type ConfigNode, joinKey } from './yaml-tree.ts';

/** Where each key of a file stands, by its path. */
export type Places = ReadonlyMap<string, Place>;

/** More allowed values than this are not listed. */
const MAX_LISTED = 40;

/**
 * Compares a tree with its type, fills in defaults, and reports everything that does not fit.
 *
 * @returns the value, which means something only where no problem was added; and where its keys stand
 */
export function checkTree<T>(node: ConfigNode, type: Type<T>, problems: Problems): { value: T; places: Places } {
  const checker = new Checker(problems);
  return { value: checker.check(node, type, '') as T, places: checker.places };
}

class Checker {
  readonly places = new Map<string, Place>();
  readonly #problems: Problems;

  constructor(problems: Problems) {
    this.#problems = problems;
  }

  check(node: ConfigNode, type: TypeNode, key: string): unknown {
    this.places.set(key, node.at);
    const wrong = (expected: string): undefined => {
      this.#problems.add(key, node.at, `${kindOf(node)}${shown(node, type)}; expected ${expected}`);
    };
    switch (type.kind) {
      case 'object':
        return node.kind === 'map' ? this.#object(node, type.fields, key) : wrong('keys and values');
      case 'list':
        return this.#list(node, type, key);
      case 'boolean':
        return node.kind === 'scalar' && typeof node.value === 'boolean' ? node.value : wrong('true or false');
      case 'choice':
        return this.#choice(node, type.values, key, wrong);
      case 'text':
        return this.#text(node, type, key, wrong);
      case 'integer':
        return this.#range(node, numberOf(node), type, String, key, `a whole number`, wrong);
      case 'size':
        return this.#range(node, sizeOf(node), type, formatBytes, key, 'a size such as 512 MiB or 10 GiB', wrong);
      case 'duration':
        return this.#range(
          node,
          durationOf(node),
          type,
          formatMilliseconds,
          key,
          'a time such as 30 s or 2 min',
          wrong,
        );
      default:
        return type satisfies never;
    }
  }

  #object(node: ConfigNode & { kind: 'map' }, fields: readonly FieldNode[], key: string): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    const given = new Map(node.entries.map((entry) => [entry.key, entry]));
    const keys = fields.map((field) => field.key);
    for (const { key: name, at } of node.entries) {
      if (keys.includes(name)) continue;
      const close = nearest(name, keys);
      const cure =
        close === undefined ? `known here: ${keys.slice(0, MAX_LISTED).join(', ')}` : `did you mean ${close}?`;
      this.#problems.add(joinKey(key, name), at, `unknown key; ${cure}`);
    }
    for (const field of fields) value[field.property] = this.#field(node.at, given.get(field.key)?.value, field, key);
    return value;
  }

  #field(at: Place, given: ConfigNode | undefined, { type, key: name, presence }: FieldNode, above: string): unknown {
    const key = joinKey(above, name);
    // `key:` and nothing after it is the same as no key, unless something has to be there.
    const isAbsent = given === undefined || (given.kind === 'scalar' && given.value === null);
    if (!isAbsent) return this.check(given, type, key);
    switch (presence.kind) {
      case 'required':
        this.#problems.add(key, given?.at ?? at, 'is missing');
        return undefined;
      case 'optional':
        return undefined;
      case 'default':
        return this.check(plain(presence.value, given?.at ?? at), type, key);
      case 'section':
        return this.check({ kind: 'map', at: given?.at ?? at, entries: [] }, type, key);
      default:
        return presence satisfies never;
    }
  }

  #list(node: ConfigNode, { of, min, max }: TypeNode & { kind: 'list' }, key: string): unknown[] | undefined {
    const items = node.kind === 'list' ? node.items : [node];
    if (items.length < min)
      this.#problems.add(key, node.at, `is empty; at least ${min} ${min === 1 ? 'is' : 'are'} needed`);
    if (items.length > max) {
      this.#problems.add(key, node.at, `has ${items.length} items; at most ${max} are allowed`);
      return undefined;
    }
    return items.map((item, index) => this.check(item, of, node.kind === 'list' ? `${key}[${index}]` : key));
  }

  #choice(node: ConfigNode, values: readonly string[], key: string, wrong: (expected: string) => undefined): unknown {
    const given = node.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;
    if (given === undefined) return wrong(`one of ${values.join(', ')}`);
    if (values.includes(given)) return given;
    const close = nearest(given, values);
    const hint = close === undefined ? '' : `did you mean ${close}? `;
    this.#problems.add(key, node.at, `${quoted(given)} is not known; ${hint}allowed: ${values.join(', ')}`);
    return undefined;
  }

  #text(node: ConfigNode, type: TextType, key: string, wrong: (expected: string) => undefined): unknown {
    if (node.kind === 'scalar' && node.value !== null && typeof node.value !== 'string' && !type.secret) {
      return wrong(`${type.what} (in quotes)`);
    }
    const given = node.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;
    const example = type.examples.length === 0 ? '' : `, such as ${type.examples.join(' or ')}`;
    if (given === undefined) return wrong(`${type.what}${example}`);
    if (given.length > type.maxLength) {
      this.#problems.add(key, node.at, `is longer than ${type.maxLength} characters`);
      return undefined;
    }
    const value = type.read(given);
    if (value !== undefined && given !== '') return value;
    const what = given === '' ? 'is empty' : type.secret ? 'is not usable' : `${quoted(given)} is not usable`;
    this.#problems.add(key, node.at, `${what}; expected ${type.what}${example}`);
    return undefined;
  }

  #range(
    node: ConfigNode,
    value: number | undefined,
    { min, max }: { readonly min: number; readonly max: number },
    format: (value: number) => string,
    key: string,
    what: string,
    wrong: (expected: string) => undefined,
  ): number | undefined {
    if (value === undefined) return wrong(what);
    if (value >= min && value <= max) return value;
    const allowed = max >= Number.MAX_SAFE_INTEGER ? `${format(min)} or more` : `${format(min)} to ${format(max)}`;
    this.#problems.add(key, node.at, `${format(value)} is out of range; allowed: ${allowed}`);
    return undefined;
  }
}

function numberOf(node: ConfigNode): number | undefined {
  return node.kind === 'scalar' && Number.isSafeInteger(node.value) ? (node.value as number) : undefined;
}

function sizeOf(node: ConfigNode): number | undefined {
  if (node.kind === 'scalar' && typeof node.value === 'string') return readSize(node.value);
  return numberOf(node);
}

function durationOf(node: ConfigNode): number | undefined {
  return node.kind === 'scalar' && typeof node.value === 'string' ? readDuration(node.value) : undefined;
}

/** A default as the tree it would be in a file. */
function plain(value: PlainValue, at: Place): ConfigNode {
  if (typeof value !== 'object') return { kind: 'scalar', at, value };
  return { kind: 'list', at, items: value.map((item) => plain(item, at)) };
}

function kindOf(node: ConfigNode): string {
  switch (node.kind) {
    case 'map':
      return 'keys and values';
    case 'list':
      return 'a list';
    case 'scalar':
      return node.value === null ? 'nothing' : typeof node.value === 'string' ? 'a text' : `a ${typeof node.value}`;
    default:
      return node satisfies never;
  }
}

/** The value, where it is short and no secret is expected. */
function shown(node: ConfigNode, type: TypeNode): string {
  const isSecret = type.kind === 'text' && type.secret;
  return node.kind !== 'scalar' || node.value === null || isSecret ? '' : ` (${quoted(String(node.value))})`;
}

function quoted(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}
