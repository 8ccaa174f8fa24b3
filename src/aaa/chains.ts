import type { Factor } from './authentication.ts';

/** Factors that have to be proven in this order. */
type Chain = readonly Factor[];

/** The chains of one user, any one of which lets in: what sshd calls AuthenticationMethods. */
export class Chains {
  readonly #chains: readonly Chain[];

  private constructor(chains: readonly Chain[]) {
    this.#chains = chains;
  }

  /** One factor is enough. */
  static readonly either: Chains = new Chains([['publickey'], ['password']]);

  /**
   * @param texts chains as in sshd_config: `publickey,password`
   * @throws {RangeError} for a word that is no factor, and one twice in a chain
   */
  static parse(texts: readonly string[]): Chains {
    if (texts.length === 0) throw new RangeError('the list of authentication methods is empty');
    return new Chains(texts.map(parseChain));
  }

  /** The factors that are used at all. */
  get factors(): ReadonlySet<Factor> {
    return new Set(this.#chains.flat());
  }

  /**
   * What is left once `factor` is proven after `proven`.
   *
   * @returns empty where the user is in; undefined where the factor is not due
   */
  after(proven: readonly Factor[], factor: Factor): readonly Factor[] | undefined {
    const done = [...proven, factor];
    const matching = this.#chains.filter((chain) => done.every((one, at) => chain[at] === one));
    if (matching.length === 0) return undefined;
    if (matching.some((chain) => chain.length === done.length)) return [];
    return [...new Set(matching.flatMap((chain) => chain[done.length] ?? []))];
  }
}

function parseChain(text: string): Chain {
  const words = text.split(',').map((word) => word.trim());
  const chain: Factor[] = [];
  for (const word of words) {
    if (word !== 'publickey' && word !== 'password')
      throw new RangeError(`${JSON.stringify(word)} is no authentication method; publickey and password are`);
    if (chain.includes(word)) throw new RangeError(`${word} is twice in ${JSON.stringify(text)}`);
    chain.push(word);
  }
  return chain;
}
