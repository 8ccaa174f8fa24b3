import { printable } from '../../base/printable.ts';
import { OperandError, parseLocation } from '../../copy/location.ts';
import { UsageError } from '../getopt.ts';
import { FatalOptionError, parseScpOptions, type ScpOptions } from '../scp/options.ts';

/** A list that is longer helps nobody. */
const MAX_CANDIDATES = 2000;

/**
 * What may stand at the cursor, one a line on standard output: whole words, unquoted. Silent about everything that goes wrong: nobody asked for anything yet.
 *
 * @param args the word at the cursor, then the words between `scp` and the cursor, all unquoted
 */
export async function printCandidates(what: 'hosts' | 'operands', args: readonly string[]): Promise<void> {
  const [word = '', ...before] = args;
  const options = optionsOf(before);
  if (options === undefined) return;
  const found = what === 'hosts' ? await hosts(word, options, '') : await operands(word, options);
  const safe = found.filter((candidate) => candidate.startsWith(word) && isSafe(candidate)).slice(0, MAX_CANDIDATES);
  process.stdout.write(safe.map((candidate) => `${candidate}\n`).join(''));
}

/** The options so far; undefined where scp would not understand them. */
function optionsOf(before: readonly string[]): ScpOptions | undefined {
  try {
    return parseScpOptions(before);
  } catch (error) {
    if (error instanceof UsageError || error instanceof FatalOptionError) return undefined;
    throw error;
  }
}

async function operands(word: string, options: ScpOptions): Promise<string[]> {
  if (word.startsWith('scp://')) return [];
  let location: ReturnType<typeof parseLocation>;
  try {
    location = parseLocation(word);
  } catch (error) {
    if (error instanceof OperandError) return [];
    throw error;
  }
  if (location.kind === 'local') return /[/]|^[.~]/.test(word) ? [] : await hosts(word, options, ':');
  const { remotePaths } = await import('./remote-paths.ts');
  // An empty path stands for `.`, which must not be taken for its beginning.
  return await remotePaths(word, word.endsWith(':') ? { ...location, path: '' } : location, options);
}

/** Hosts that go on from what was typed: `al`, `bob@al`, `[fd`. */
async function hosts(word: string, options: ScpOptions, suffix: '' | ':'): Promise<string[]> {
  const { configuredHosts } = await import('./hosts.ts');
  const user = word.slice(0, word.lastIndexOf('@') + 1);
  const names = await configuredHosts(options.sshArgs);
  return names.map((name) => `${user}${name.includes(':') ? `[${name}]` : name}${suffix}`);
}

/** Whether a terminal may see it as it is, and a line can hold it. */
function isSafe(candidate: string): boolean {
  return printable(candidate) === candidate;
}
