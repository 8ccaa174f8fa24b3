import { parseExpiry } from './expiry.ts';
import { SourcePatterns } from './source-patterns.ts';

/** What the options of a line of authorized_keys ask for. */
export interface KeyOptions {
  /** From where the key may be used; anywhere without it. */
  readonly from?: SourcePatterns;
  /** From when on the key is not accepted any more, in milliseconds since 1970. */
  readonly expiresMs?: number;
}

/** Options that take away what this server does not give anyway. */
const harmless: ReadonlySet<string> = new Set([
  'restrict',
  'no-agent-forwarding',
  'no-port-forwarding',
  'no-pty',
  'no-touch-required',
  'no-user-rc',
  'no-x11-forwarding',
]);

/** An option as it is written. */
interface RawOption {
  /** In lower case. */
  readonly name: string;
  readonly value: string | undefined;
}

/**
 * Reads the options at the front of a line.
 *
 * @returns the options and what follows them; undefined where the line does not begin with options
 * @throws {RangeError} for an option that is unknown, malformed, or given twice: to ignore one would give more than the line's author allowed.
 */
export function readKeyOptions(line: string): { readonly options: KeyOptions; readonly rest: string } | undefined {
  const split = splitOptions(line);
  if (split === undefined) return undefined;
  let from: SourcePatterns | undefined;
  let expiresMs: number | undefined;
  for (const { name, value } of split.options) {
    if (name === 'from') {
      if (from !== undefined) throw new RangeError('from= is given twice');
      from = SourcePatterns.parse(needed(name, value));
    } else if (name === 'expiry-time') {
      // As sshd: the earliest of several counts.
      expiresMs = Math.min(expiresMs ?? Number.POSITIVE_INFINITY, parseExpiry(needed(name, value)));
    } else if (!harmless.has(name) || value !== undefined) {
      throw new RangeError(`option ${name.slice(0, 40)} is not supported, so the key is not accepted`);
    }
  }
  return {
    rest: split.rest,
    options: { ...(from === undefined ? {} : { from }), ...(expiresMs === undefined ? {} : { expiresMs }) },
  };
}

function needed(name: string, value: string | undefined): string {
  if (value === undefined || value === '') throw new RangeError(`${name}= needs a value`);
  return value;
}

/** Names in lower case; values may be quoted and hold blanks, and `\"` stands for a quote. */
function splitOptions(line: string): { readonly options: RawOption[]; readonly rest: string } | undefined {
  const options: RawOption[] = [];
  let at = 0;
  for (;;) {
    const option = /^([A-Za-z0-9-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^ \t,"]*)))?/.exec(line.slice(at));
    if (option === null) return undefined;
    const value = option[2]?.replaceAll('\\"', '"') ?? option[3];
    options.push({ name: (option[1] ?? '').toLowerCase(), value });
    at += option[0].length;
    if (line[at] !== ',') break;
    at++;
  }
  return /[ \t]/.test(line[at] ?? '') ? { options, rest: line.slice(at).trim() } : undefined;
}
