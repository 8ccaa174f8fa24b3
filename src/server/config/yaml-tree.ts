import { type ErrorCode, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import type { Place, Problems } from './problems.ts';

/** One value of a configuration file, whatever it was written in, and where it stands. */
export type ConfigNode =
  | { readonly kind: 'map'; readonly at: Place; readonly entries: readonly ConfigEntry[] }
  | { readonly kind: 'list'; readonly at: Place; readonly items: readonly ConfigNode[] }
  | { readonly kind: 'scalar'; readonly at: Place; readonly value: string | number | boolean | null };

export interface ConfigEntry {
  readonly key: string;
  readonly at: Place;
  readonly value: ConfigNode;
}

/** Longer files are not configurations. Bytes. */
export const MAX_CONFIG_BYTES: number = 1024 * 1024;

/** Values in a file, those that aliases repeat included: a few lines of YAML can stand for billions. */
export const MAX_CONFIG_VALUES = 20_000;

/** How deep values may nest. */
export const MAX_CONFIG_DEPTH = 16;

/** Brackets and braces that may be open at a time, and blanks at the front of a line: the parser calls itself for each level. */
const MAX_OPEN = 200;

/** What is said of what the parser finds. Its own texts quote the file, which may hold secrets. */
const syntaxTexts: Partial<Record<ErrorCode, string>> = {
  BAD_ALIAS: 'an alias (*name) without an anchor (&name) before it',
  BAD_DQ_ESCAPE:
    'an escape that YAML does not know in double quotes; use single quotes to take backslashes as they are',
  BAD_INDENT: 'the indentation fits nothing above',
  BAD_SCALAR_START: 'a value that begins with @, ` or % needs quotes',
  BLOCK_AS_IMPLICIT_KEY: 'two keys on one line; begin a new one, or quote the value that has a colon in it',
  DUPLICATE_KEY: 'a key that is there already',
  MISSING_CHAR:
    'something is not closed or not separated: look for a quote, a bracket, a comma or a blank after a colon',
  MULTILINE_IMPLICIT_KEY: 'a key over several lines, or a colon is missing',
  MULTIPLE_DOCS: 'a second document begins here; a configuration is one',
  TAB_AS_INDENT: 'a tab; YAML is indented with spaces',
  TAG_RESOLVE_FAILED: 'a tag (!name); none is used here',
};

/**
 * Reads the YAML of a configuration into a tree, with its bounds: size, depth, values, aliases. Syntax that cannot be read is reported; the text itself never appears in a report.
 *
 * @returns undefined where nothing can be made of the text
 */
export function readYaml(text: string, problems: Problems): ConfigNode | undefined {
  const top: Place = { line: 1, column: 1 };
  if (Buffer.byteLength(text) > MAX_CONFIG_BYTES) {
    problems.add('', top, `the file is longer than ${MAX_CONFIG_BYTES} bytes`);
    return undefined;
  }
  const deep = tooDeep(text);
  if (deep !== undefined) {
    problems.add('', deep, 'nested too deeply');
    return undefined;
  }
  try {
    return parse(text, problems);
  } catch {
    // The parser is recursive and not ours: whatever it throws, the file cannot be used.
    problems.add('', top, 'not YAML that can be read');
    return undefined;
  }
}

function parse(text: string, problems: Problems): ConfigNode | undefined {
  const lines = new LineCounter();
  // Keys are compared here, in one pass: the parser compares each with all before it.
  const document = parseDocument(text, { uniqueKeys: false, prettyErrors: false, lineCounter: lines, version: '1.2' });
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  for (const { code, pos } of [...document.errors, ...document.warnings])
    problems.add('', placeOf(pos[0]), `syntax: ${syntaxTexts[code] ?? 'this cannot be read as YAML here'}`);
  if (problems.count > 0) return undefined;
  const at: Place = { line: 1, column: 1 };
  if (document.contents === null) return { kind: 'map', at, entries: [] };
  return new TreeReader(placeOf, problems).read(document.contents, '', 0);
}

/** Where too many brackets are open or a line is indented too far. Rough: those in quotes count too, and nothing sensible has so many. */
function tooDeep(text: string): Place | undefined {
  let open = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const place = (column: number): Place => ({ line: index + 1, column: column + 1 });
    for (let column = 0; column < line.length; column++) {
      const character = line.charAt(column);
      if (character === '[' || character === '{') open++;
      else if (character === ']' || character === '}') open = Math.max(0, open - 1);
      if (open > MAX_OPEN) return place(column);
    }
    const marks = /^[\s\-?:]*/.exec(line)?.[0].length ?? 0;
    if (marks > MAX_OPEN) return place(MAX_OPEN);
  }
  return undefined;
}

/** Turns the parser's nodes into our tree and counts what it makes. */
class TreeReader {
  readonly #placeOf: (offset: number) => Place;
  readonly #problems: Problems;
  readonly #anchors = new Map<string, unknown>();
  #values = 0;
  #isFull = false;

  constructor(placeOf: (offset: number) => Place, problems: Problems) {
    this.#placeOf = placeOf;
    this.#problems = problems;
  }

  read(node: unknown, key: string, depth: number): ConfigNode | undefined {
    const at = this.#placeOf(rangeOf(node));
    if (this.#isFull) return undefined;
    if (++this.#values > MAX_CONFIG_VALUES) {
      this.#isFull = true;
      this.#problems.add(key, at, `more than ${MAX_CONFIG_VALUES} values, those that aliases stand for included`);
      return undefined;
    }
    if (depth > MAX_CONFIG_DEPTH) {
      this.#problems.add(key, at, `nested more than ${MAX_CONFIG_DEPTH} deep`);
      return undefined;
    }
    if (isAlias(node)) return this.#alias(node.source, at, key, depth);
    const { anchor, tag } = node as { anchor?: string; tag?: string };
    if (tag !== undefined) {
      this.#problems.add(key, at, 'a tag (!name); none is used here');
      return undefined;
    }
    const made = isMap(node)
      ? this.#map(node, at, key, depth)
      : isSeq(node)
        ? this.#list(node.items, at, key, depth)
        : this.#scalar(node, at, key);
    // Only what is complete can be repeated: an alias inside of what it stands for would have no end.
    if (anchor !== undefined) this.#anchors.set(anchor, node);
    return made;
  }

  #alias(name: string, at: Place, key: string, depth: number): ConfigNode | undefined {
    const target = this.#anchors.get(name);
    if (target !== undefined) return this.read(target, key, depth + 1);
    this.#problems.add(key, at, 'an alias (*name) of something that is not complete before it');
    return undefined;
  }

  #map(node: YAMLMap, at: Place, key: string, depth: number): ConfigNode {
    const entries: ConfigEntry[] = [];
    const seen = new Map<string, Place>();
    for (const pair of node.items) {
      const name = isScalar(pair.key) ? String(pair.key.value) : undefined;
      const place = this.#placeOf(rangeOf(pair.key));
      if (name === undefined) {
        this.#problems.add(key, place, 'a key must be a word');
        continue;
      }
      const path = joinKey(key, name);
      const earlier = seen.get(name);
      if (earlier !== undefined) {
        this.#problems.add(path, place, `given twice, first in line ${earlier.line}`);
        continue;
      }
      seen.set(name, place);
      const value: ConfigNode | undefined =
        pair.value === null ? { kind: 'scalar', at: place, value: null } : this.read(pair.value, path, depth + 1);
      if (value !== undefined) entries.push({ key: name, at: place, value });
    }
    return { kind: 'map', at, entries };
  }

  #list(items: readonly unknown[], at: Place, key: string, depth: number): ConfigNode {
    const read = items.map((item, index) => this.read(item, `${key}[${index}]`, depth + 1));
    return { kind: 'list', at, items: read.filter((item) => item !== undefined) };
  }

  #scalar(node: unknown, at: Place, key: string): ConfigNode | undefined {
    const value = isScalar(node) ? node.value : null;
    if (value === null || ['string', 'number', 'boolean'].includes(typeof value))
      return { kind: 'scalar', at, value: value as string | number | boolean | null };
    this.#problems.add(key, at, 'a value of a kind that is not used here');
    return undefined;
  }
}

function rangeOf(node: unknown): number {
  return (node as { range?: readonly number[] | null } | null)?.range?.[0] ?? 0;
}

/** The path of a key below another. Keys that are no plain words are cut and quoted. */
export function joinKey(above: string, name: string): string {
  const shown = /^[A-Za-z0-9_-]{1,40}$/.test(name) ? name : JSON.stringify(name.slice(0, 40));
  return above === '' ? shown : `${above}.${shown}`;
}
