import { isLegacy } from './algorithms.ts';

/** A choice of algorithms that failed. */
export interface FailedNegotiation {
  /** `key exchange`, `host key`, `cipher`, `MAC`, `compression`. */
  readonly what: string;
  /** Comma-separated lists. */
  readonly ours: string;
  readonly theirs: string;
  /** The one thing that would help. */
  readonly cure: string;
}

/** A list is cut here: it comes from the peer. */
const MAX_LIST = 500;

const names: readonly (readonly [RegExp, string])[] = [
  [/key exchange/i, 'key exchange'],
  [/host key/i, 'host key'],
  [/cipher/i, 'cipher'],
  [/MAC/i, 'MAC'],
  [/compress/i, 'compression'],
];

/** Reads ssh2's lines about algorithms while a connection is set up: where the choice fails, the last two are the lists that have nothing in common. Nothing else tells of them. */
export class NegotiationWatch {
  #lines: readonly { readonly isOurs: boolean; readonly what: string; readonly list: string }[] = [];

  /** A line of ssh2's debug output, which has the client's address in front. */
  note(text: string): void {
    const line = /Handshake: \((local|remote)\) ([^:]{1,60}): (.*)$/s.exec(text);
    if (line === null) return;
    const [, side, what = '', list = ''] = line;
    this.#lines = [...this.#lines.slice(-1), { isOurs: side === 'local', what, list: list.slice(0, MAX_LIST) }];
  }

  /**
   * What failed, if ssh2's error says that a choice did.
   *
   * @param address of the client, for the cure
   * @param isLegacySource whether the legacy profile is open to it already
   */
  failure(message: string, address: string, isLegacySource: boolean): FailedNegotiation | undefined {
    if (!message.startsWith('Handshake failed: no matching')) return undefined;
    const ours = this.#lines.find((line) => line.isOurs)?.list ?? '';
    const theirs = this.#lines.find((line) => !line.isOurs)?.list ?? '';
    const what = names.find(([pattern]) => pattern.test(message))?.[1] ?? 'algorithm';
    const wouldHelp = !isLegacySource && theirs.split(',').some((name) => isLegacy(name.trim()));
    const cure = wouldHelp
      ? `algorithms.legacy.from: [${address}] would let this client in with its old algorithms`
      : 'no setting helps: the client needs an update or other settings of its own';
    return { what, ours, theirs, cure };
  }
}
