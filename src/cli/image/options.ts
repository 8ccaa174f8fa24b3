import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from '../getopt.ts';

type Known = NonNullable<ParseArgsConfig['options']>;

/** The options of one command, read. */
export interface Read {
  readonly operands: readonly string[];
  /** The last value given. */
  text(name: string): string | undefined;
  /** All values given, in order. */
  texts(name: string): readonly string[];
  flag(name: string): boolean;
  /** @throws {UsageError} not given */
  needed(name: string): string;
  /** A whole number. @throws {UsageError} another text, or out of the bounds */
  number(name: string, least: number, most: number): number | undefined;
  /** One of a few words. @throws {UsageError} another one */
  word<Word extends string>(name: string, words: readonly Word[]): Word | undefined;
}

/**
 * Reads options and operands in any order.
 *
 * @param known names ending in `:` take a value, all others are flags; `name|x` has the letter x
 * @returns undefined where help is wanted
 * @throws {UsageError}
 */
export function readOptions(args: readonly string[], known: readonly string[]): Read | undefined {
  const options: Known = { help: { type: 'boolean', short: 'h' } };
  for (const one of known) {
    const [, name = '', short, colon] = /^([a-z0-9-]+)(?:\|(\w))?(:)?$/.exec(one) ?? [];
    options[name] =
      colon === undefined
        ? { type: 'boolean', ...(short === undefined ? {} : { short }) }
        : { type: 'string', multiple: true, ...(short === undefined ? {} : { short }) };
  }
  const { values, positionals } = parsed(args, options);
  if (values['help'] === true) return undefined;
  const texts = (name: string): readonly string[] => (values[name] as readonly string[] | undefined) ?? [];
  const text = (name: string): string | undefined => texts(name).at(-1);
  return {
    operands: positionals,
    text,
    texts,
    flag: (name) => values[name] === true,
    needed(name) {
      const value = text(name);
      if (value === undefined) throw new UsageError(`--${name} is missing`);
      return value;
    },
    number(name, least, most) {
      const value = text(name);
      if (value === undefined) return undefined;
      const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
      if (!(number >= least && number <= most))
        throw new UsageError(`--${name} ${value}: not a whole number from ${least} to ${most}`);
      return number;
    },
    word(name, words) {
      const value = text(name);
      if (value === undefined) return undefined;
      const found = words.find((word) => word === value);
      if (found === undefined) throw new UsageError(`--${name} ${value}: not one of ${words.join(', ')}`);
      return found;
    },
  };
}

function parsed(args: readonly string[], options: Known): ReturnType<typeof parseArgs> {
  try {
    return parseArgs({ args: [...args], strict: true, allowPositionals: true, options });
  } catch (error) {
    // Node names the option; its advice about `--` helps with values that begin with a dash.
    throw new UsageError((error as Error).message, { cause: error });
  }
}

/** @throws {UsageError} not exactly one */
export function oneOperand(read: Read, what: string): string {
  const [one, ...more] = read.operands;
  if (one === undefined) throw new UsageError(`${what} is missing`);
  if (more.length > 0) throw new UsageError(`${more[0]}: one ${what} is taken at a time`);
  return one;
}
