import { open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import SSHConfig from 'ssh-config';
import { FileError } from '../../base/errors.ts';
import { matchPattern, matchPatternList } from '../../base/patterns.ts';
import { printable } from '../../base/printable.ts';
import { expandHome } from './tokens.ts';
import { addValue, type ConfigValue, type ConfigValues, splitWords } from './values.ts';

/** Include may nest so deep, as in OpenSSH. */
export const MAX_INCLUDE_DEPTH = 16;

/** The lines of a parsed file, as far as they matter here; the types of the package do not say this much. */
interface Line {
  readonly type: number;
  readonly param?: string;
  readonly value?: string | readonly { readonly val: string; readonly separator?: string; readonly quoted?: boolean }[];
  readonly quoted?: boolean;
  readonly config?: Iterable<Line>;
}
const DIRECTIVE = 1;

/** What Host and Match are compared with. */
export interface MatchContext {
  /** The host as the user wrote it. */
  readonly originalHost: string;
  readonly localUser: string;
  readonly home: string;
  /** The user asked for by the caller, if any: it wins over every file. */
  readonly user?: string | undefined;
}

function valueOf(line: Line): ConfigValue {
  const { value } = line;
  if (value === undefined) return { text: '', words: [] };
  if (typeof value === 'string') return { text: value.trim(), words: line.quoted ? [value] : splitWords(value) };
  const text = value.map((part) => (part.quoted ? `"${part.val}"` : part.val)).join(' ');
  return { text, words: value.map((part) => part.val) };
}

/** Whether one criterion of Match holds. `exec` never does: a configuration file must not start programs here. */
function holds(name: string, argument: string, context: MatchContext, values: ConfigValues): boolean {
  const hostname = values.get('hostname')?.[0]?.words[0] ?? context.originalHost;
  const patterns = argument.split(',');
  switch (name) {
    case 'host':
      return matchPatternList(
        hostname.toLowerCase(),
        patterns.map((pattern) => pattern.toLowerCase()),
      );
    case 'originalhost':
      return matchPatternList(
        context.originalHost.toLowerCase(),
        patterns.map((pattern) => pattern.toLowerCase()),
      );
    case 'user':
      return matchPatternList(context.user ?? values.get('user')?.[0]?.words[0] ?? context.localUser, patterns);
    case 'localuser':
      return matchPatternList(context.localUser, patterns);
    default:
      return false;
  }
}

function matchHolds(words: readonly string[], context: MatchContext, values: ConfigValues): boolean {
  if (words.length === 0) return false;
  for (let at = 0; at < words.length; at++) {
    const word = (words[at] ?? '').toLowerCase();
    const negated = word.startsWith('!');
    const name = negated ? word.slice(1) : word;
    if (name === 'all') {
      if (negated || words.length > 1) return false;
      continue;
    }
    if (name === 'canonical' || name === 'final') {
      // There is only one pass here, the first, in which these do not hold.
      if (!negated) return false;
      continue;
    }
    const argument = words[++at];
    // An exec that was not run is not known to have failed: its negation must not hold either.
    if (argument === undefined || name === 'exec') return false;
    if (holds(name, argument, context, values) === negated) return false;
  }
  return true;
}

/** The files an Include names: `~` and wildcards in the last component are expanded, relative paths start at `folder`. */
async function includedFiles(pattern: string, folder: string, home: string): Promise<string[]> {
  const path = expandHome(pattern, home);
  const full = path.startsWith('/') ? path : join(folder, path);
  const last = full.slice(full.lastIndexOf('/') + 1);
  if (!/[*?]/.test(last)) return [full];
  const names = await readdir(dirname(full)).catch(() => [] as string[]);
  const visible = names.filter((name) => matchPattern(name, last) && (!name.startsWith('.') || last.startsWith('.')));
  return visible.sort().map((name) => join(dirname(full), name));
}

async function readLines(
  lines: Iterable<Line>,
  folder: string,
  context: MatchContext,
  values: ConfigValues,
  depth: number,
): Promise<void> {
  for (const line of lines) {
    if (line.type !== DIRECTIVE || line.param === undefined) continue;
    const value = valueOf(line);
    const keyword = line.param.toLowerCase();
    if (keyword === 'host') {
      const host = context.originalHost.toLowerCase();
      if (matchPatternList(host, value.words)) await readLines(line.config ?? [], folder, context, values, depth);
    } else if (keyword === 'match') {
      if (matchHolds(value.words, context, values)) await readLines(line.config ?? [], folder, context, values, depth);
    } else if (keyword === 'include') {
      for (const pattern of value.words) {
        for (const file of await includedFiles(pattern, folder, context.home)) {
          await readConfigFile(file, folder, context, values, { required: false, depth: depth + 1, mustBeOwn: true });
        }
      }
    } else {
      addValue(values, keyword, value);
    }
  }
}

/** @throws {FileError} `ERR_CONFIG` where others than root and this user may write the file, which names programs to run */
async function readText(file: string, mustBeOwn: boolean): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { uid, mode } = await handle.stat();
    const own = process.getuid?.();
    if (mustBeOwn && own !== undefined && ((uid !== 0 && uid !== own) || (mode & 0o022) !== 0)) {
      const cure = `chmod go-w ${printable(file)}`;
      throw new FileError(file, 'read', 'ERR_CONFIG', { reason: 'Bad owner or permissions', cure });
    }
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/**
 * Reads an ssh_config file and adds what holds for the host to `values`.
 *
 * @param folder where relative Include paths start: `~/.ssh` for the user's files, `/etc/ssh` for the system's
 * @throws {FileError} where the file cannot be read; a file that is not `required` may be missing
 */
export async function readConfigFile(
  file: string,
  folder: string,
  context: MatchContext,
  values: ConfigValues,
  options: {
    readonly required: boolean;
    readonly depth?: number;
    /** As ssh has it for the user's own file and for what any file includes, and not for a file that was named with `-F`. Default false. */
    readonly mustBeOwn?: boolean;
  },
): Promise<void> {
  const depth = options.depth ?? 0;
  if (depth > MAX_INCLUDE_DEPTH) throw new FileError(file, 'read', 'ERR_LIMIT', { reason: 'too many nested includes' });
  let text: string;
  try {
    text = await readText(file, options.mustBeOwn === true);
  } catch (error) {
    const failure = FileError.from(error, file, 'read');
    if (!options.required && (failure.code === 'ENOENT' || failure.code === 'ENOTDIR')) return;
    throw failure;
  }
  let lines: Iterable<Line>;
  try {
    lines = SSHConfig.parse(text);
  } catch (cause) {
    const reason = printable(cause instanceof Error ? cause.message : String(cause));
    throw new FileError(file, 'read', 'ERR_CONFIG', { cause, reason });
  }
  await readLines(lines, folder, context, values, depth);
}
