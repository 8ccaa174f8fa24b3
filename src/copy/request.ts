import { ProtocolError } from '../base/errors.ts';
import { MAX_NAME_BYTES } from '../base/peer-name.ts';
import { printable } from '../base/printable.ts';
import { isPattern, matchesGlob } from '../files/glob-match.ts';
import { stripTrailingSlashes } from '../files/path.ts';
import { expandBraces } from './brace-expand.ts';
import { meansContents } from './location.ts';
import { shellWords } from './shell-words.ts';

/** What one word of a request lets the peer send at the top level. */
type Expectation =
  /** Exactly this name, once. */
  | { readonly kind: 'name'; readonly name: string }
  /** Any name that matches. */
  | { readonly kind: 'pattern'; readonly pattern: string }
  /** One name that only the peer can know (`~`, `~user`, `/`); never a hidden one. */
  | { readonly kind: 'unknown' }
  /** The contents of a directory (`dir/.`). */
  | { readonly kind: 'contents' };

/**
 * The check that a source sends what it was asked for and nothing else (CVE-2019-6111, and with `-r` too): every name at the top level must be, or match, the last component of the request;
 * a literal request is met by one object; no name comes twice.
 */
export class Request {
  readonly #allowed: readonly Expectation[];
  readonly #atMost: number;
  readonly #seen = new Set<string>();

  /**
   * @param path the path as it was handed to the remote shell
   * @param options.strict false is scp's `-T`: names are not compared with the request. They pass the gate of base/peer-name.ts all the same.
   * @param options.recursive whether directories were asked for: without, a request that can only mean a directory lets nothing through
   * @throws {OperandError} for braces or brackets that are not closed.
   */
  constructor(path: string, options: { readonly strict: boolean; readonly recursive: boolean }) {
    const { allowed, atMost } = options.strict ? expectations(path) : anything;
    const meansFile = (expectation: Expectation) => expectation.kind === 'name' || expectation.kind === 'pattern';
    this.#allowed = options.strict && !options.recursive ? allowed.filter(meansFile) : allowed;
    this.#atMost = atMost;
  }

  /** True once everything that was asked for has come. Never for patterns: only the peer knows their number. */
  get isMet(): boolean {
    return this.#seen.size >= this.#atMost;
  }

  /**
   * Passes a name of the top level.
   *
   * @throws {ProtocolError} ERR_NOT_REQUESTED; ERR_LIMIT for more names than any shell expands a pattern to
   */
  check(name: string): void {
    const found = this.#allowed.find((expectation) => allows(expectation, name));
    if (found === undefined) this.#refuse(name, 'does not match request');
    // What is in a directory can be any number of names; they are not kept.
    if (found.kind === 'contents') return;
    if (this.#seen.has(name)) this.#refuse(name, 'was sent twice');
    if (this.isMet) this.#refuse(name, 'is more than was requested');
    if (this.#seen.size >= MAX_NAMES) {
      throw new ProtocolError(`protocol error: more than ${MAX_NAMES} names for one pattern`, { code: 'ERR_LIMIT' });
    }
    this.#seen.add(name);
  }

  #refuse(name: string, why: string): never {
    throw new ProtocolError(`protocol error: filename ${why}: ${printable(name)}`, { code: 'ERR_NOT_REQUESTED' });
  }
}

/** How many names one request can be met by: a command line of a shell holds no more. */
const MAX_NAMES = 200_000;

/** Without the check every name will do, any number of times. */
const anything: { readonly allowed: readonly Expectation[]; readonly atMost: number } = {
  allowed: [{ kind: 'contents' }],
  atMost: Number.POSITIVE_INFINITY,
};

function allows(expectation: Expectation, name: string): boolean {
  switch (expectation.kind) {
    case 'name':
      return expectation.name === name;
    case 'pattern':
      // A name that no file can have is not worth keeping, nor is it worth matching.
      return name.length <= MAX_NAME_BYTES && matchesGlob(expectation.pattern, name);
    case 'unknown':
      return !name.startsWith('.');
    case 'contents':
      return true;
    default:
      return expectation satisfies never;
  }
}

/** What a request allows: its words as the remote shell will see them, and its text as it stands, for names that hold quotes or brackets themselves. */
function expectations(path: string): { readonly allowed: readonly Expectation[]; readonly atMost: number } {
  const words = shellWords(path)?.flatMap((word) => expandBraces(word)) ?? [];
  const asked = words.map((word) => toExpectation(word, false));
  const allowed = [...asked, toExpectation(path, true)];
  // Devices name a file system before the path (`flash:image.bin`) and send the bare name.
  const device = /^[A-Za-z][A-Za-z0-9_-]*:([^/]+)$/.exec(path)?.[1];
  if (device !== undefined) allowed.push({ kind: 'name', name: device });
  const countable = asked.every((expectation) => expectation.kind === 'name' || expectation.kind === 'unknown');
  return { allowed, atMost: countable ? Math.max(1, asked.length) : Number.POSITIVE_INFINITY };
}

/** @param literal whether the text is to be taken as it is and not as a pattern */
function toExpectation(word: string, literal: boolean): Expectation {
  if (meansContents(word)) return { kind: 'contents' };
  const bare = stripTrailingSlashes(word);
  const last = bare.slice(bare.lastIndexOf('/') + 1);
  if (last === '' || (last === bare && last.startsWith('~'))) return { kind: 'unknown' };
  if (literal) return { kind: 'name', name: last };
  return isPattern(last) ? { kind: 'pattern', pattern: last } : { kind: 'name', name: last.replace(/\\(.)/gsu, '$1') };
}
