/** What JSON can say. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue | undefined };

/** Arrays and objects in each other: the files here need four. */
const MAX_DEPTH = 8;

/**
 * The one text of a value (after RFC 8785): names in the order of their UTF-16 units, no white space. Names whose value is undefined are left out.
 *
 * @throws {RangeError} nested too deeply
 */
export function canonicalJson(value: JsonValue, depth = 0): string {
  if (depth > MAX_DEPTH) throw new RangeError('nested too deeply');
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item: JsonValue) => canonicalJson(item, depth + 1)).join(',')}]`;
  const object = value as { readonly [name: string]: JsonValue | undefined };
  const members = Object.keys(object)
    .sort()
    .flatMap((name) => {
      const member = object[name];
      return member === undefined ? [] : [`${JSON.stringify(name)}:${canonicalJson(member, depth + 1)}`];
    });
  return `{${members.join(',')}}`;
}

/**
 * Reads canonical JSON and nothing else: bytes that are not UTF-8, white space, a name that stands twice and numbers in another form are no canonical JSON.
 *
 * @returns undefined where the bytes are not that
 */
export function parseCanonicalJson(bytes: Uint8Array): JsonValue | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value = JSON.parse(text) as JsonValue;
    return canonicalJson(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}
