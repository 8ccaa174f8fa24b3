import { matchPattern } from '../base/patterns.ts';
import { type AddressBytes, isInNetwork, type Network, parseAddress, parseNetwork } from './address.ts';

/** One entry of `from=`. */
interface SourcePattern {
  readonly negated: boolean;
  readonly network?: Network;
  /** With `*` and `?`, over the address as it is written. */
  readonly text?: string;
}

/** More entries are a mistake. */
const MAX_PATTERNS = 256;

/** The list of `from=` in authorized_keys (sshd(8)): addresses, networks and patterns over addresses, each of which may be negated by `!`. */
export class SourcePatterns {
  readonly #patterns: readonly SourcePattern[];

  private constructor(patterns: readonly SourcePattern[]) {
    this.#patterns = patterns;
  }

  /**
   * @throws {RangeError} for what could not be obeyed: a network whose mask does not fit, an empty entry, and a negated name. Names are never looked up, so one that is not negated just matches nothing.
   */
  static parse(list: string): SourcePatterns {
    const entries = list.split(',');
    if (entries.length > MAX_PATTERNS) throw new RangeError(`from= has more than ${MAX_PATTERNS} entries`);
    return new SourcePatterns(entries.map((entry) => parseEntry(entry.trim())));
  }

  /** Whether somebody may come from this address: an entry matches and no negated one does. */
  allow(address: string): boolean {
    const bytes = parseAddress(address);
    if (bytes === undefined) return false;
    const text = bytes.length === 4 ? bytes.join('.') : (address.split('%')[0] ?? '').toLowerCase();
    let found = false;
    for (const pattern of this.#patterns) {
      if (!matches(pattern, bytes, text)) continue;
      if (pattern.negated) return false;
      found = true;
    }
    return found;
  }
}

function parseEntry(entry: string): SourcePattern {
  const negated = entry.startsWith('!');
  const body = negated ? entry.slice(1) : entry;
  if (body === '') throw new RangeError('from= has an empty entry');
  const network = parseNetwork(body);
  if (network === 'host bits') throw new RangeError(`from=: ${body}: the mask does not fit the address`);
  if (network !== undefined) return { negated, network };
  // A pattern that only a name could match would let in those whom it is to keep out.
  if (negated && !/^[0-9a-f.:*?]+$/i.test(body))
    throw new RangeError(`from=: !${body}: names are not looked up, so it cannot be obeyed`);
  return { negated, text: body.toLowerCase() };
}

function matches(pattern: SourcePattern, address: AddressBytes, text: string): boolean {
  if (pattern.network !== undefined) return isInNetwork(address, pattern.network);
  return matchPattern(text, pattern.text ?? '');
}
