/** One option as it stood on the command line. `name` is a letter, or the long name without its dashes. */
export interface ParsedOption {
  readonly name: string;
  readonly value?: string;
}

export interface GetoptResult {
  readonly options: readonly ParsedOption[];
  readonly operands: readonly string[];
}

/** The long options and whether each takes a value; an `optional` one is attached (`--name=value`). */
export type LongOptions = Readonly<Record<string, 'value' | 'flag' | 'optional'>>;

/** A command line that cannot be understood. Answered with the usage text. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Reads options as BSD getopt(3) does: they end at the first operand or at `--`, letters may be combined (`-pr`) and values attached (`-P22`). Long options, which scp has not, stand in the same place: `--name`,
 * `--name=value` or `--name value`.
 *
 * @param letters the option letters, each followed by `:` where it takes a value
 * @throws {UsageError}
 */
export function getopt(args: readonly string[], letters: string, long: LongOptions = {}): GetoptResult {
  const options: ParsedOption[] = [];
  let at = 0;
  const nextValue = (name: string): string => {
    const value = args[++at];
    if (value === undefined) throw new UsageError(`option requires an argument -- ${name}`);
    return value;
  };
  for (; at < args.length; at++) {
    const arg = args[at] as string;
    if (arg === '--') return { options, operands: args.slice(at + 1) };
    if (arg.startsWith('--')) options.push(readLong(arg.slice(2), long, nextValue));
    else if (arg.startsWith('-') && arg !== '-') readLetters(arg.slice(1), letters, options, nextValue);
    else break;
  }
  return { options, operands: args.slice(at) };
}

function readLetters(
  group: string,
  letters: string,
  options: ParsedOption[],
  nextValue: (name: string) => string,
): void {
  for (let i = 0; i < group.length; i++) {
    const name = group[i] as string;
    const known = name === ':' ? -1 : letters.indexOf(name);
    if (known < 0) throw new UsageError(`unknown option -- ${name}`);
    if (letters[known + 1] !== ':') {
      options.push({ name });
      continue;
    }
    options.push({ name, value: group.slice(i + 1) || nextValue(name) });
    return;
  }
}

function readLong(text: string, long: LongOptions, nextValue: (name: string) => string): ParsedOption {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  const kind = Object.hasOwn(long, name) ? long[name] : undefined;
  if (kind === undefined) throw new UsageError(`unknown option -- ${name}`);
  if (kind === 'optional' && equals < 0) return { name };
  if (kind === 'optional' && equals === text.length - 1)
    throw new UsageError(`option --${name}= requires a value behind the =`);
  if (kind === 'optional') return { name, value: text.slice(equals + 1) };
  if (kind === 'value') return { name, value: equals < 0 ? nextValue(name) : text.slice(equals + 1) };
  if (equals >= 0) throw new UsageError(`option --${name} takes no value`);
  return { name };
}
