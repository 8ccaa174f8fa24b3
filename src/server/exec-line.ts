import type { ScpCommand } from '../scp/command.ts';

/** What `scp -t` or `scp -f` asks for, the paths apart. */
export type ScpRequest = Omit<ScpCommand, 'path'>;

/** A word of the command line that names a path. */
export interface PathWord {
  /** The path itself, without quoting. */
  readonly path: string;
  /** The path as a pattern where it has unquoted `*`, `?` or `[`: what was quoted is shielded by backslashes. */
  readonly pattern?: string;
}

/** What a command line asks for. */
export type ExecRequest =
  | { readonly kind: 'scp'; readonly request: ScpRequest; readonly paths: readonly [PathWord, ...PathWord[]] }
  /** It is scp, but not in a form that can be served. */
  | { readonly kind: 'unusable'; readonly reason: string }
  /** It is another program. */
  | { readonly kind: 'other' };

/** One word: its characters, and which of them were quoted. */
interface Word {
  text: string;
  quoted: boolean[];
}

/** Characters that begin something of the shell's that is not done here. */
const operators = ';&|<>()`\n';

class Unusable extends Error {}

/**
 * Reads the command of an exec request as a POSIX shell would split it (XCU 2.2, 2.6.5): quotes and backslashes, no expansions; patterns are left to the caller. Pure and
 * total: any text gives a result.
 */
export function parseExecLine(line: string): ExecRequest {
  try {
    const [program, ...args] = splitWords(line);
    if (program === undefined || !/(?:^|\/)scp$/.test(program.text)) return { kind: 'other' };
    return readArguments(args);
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    return /^\s*(?:\S*\/)?scp(?:\s|$)/.test(line) ? { kind: 'unusable', reason: error.message } : { kind: 'other' };
  }
}

function readArguments(args: readonly Word[]): ExecRequest {
  const flags = new Set<string>();
  let at = 0;
  for (let arg = args[at]?.text; arg !== undefined && /^-./.test(arg); arg = args[++at]?.text) {
    if (arg === '--') {
      at++;
      break;
    }
    for (const flag of arg.slice(1)) {
      if (!'tfrpdqv'.includes(flag)) throw new Unusable(`option -${flag} is not supported`);
      flags.add(flag);
    }
  }
  const [first, ...rest] = args.slice(at);
  if (flags.has('t') === flags.has('f'))
    throw new Unusable('exactly one of -t and -f is needed: this is the remote side of scp');
  if (first === undefined) throw new Unusable('no path');
  if (flags.has('t') && rest.length > 0)
    throw new Unusable('ambiguous target: more than one path (quote blanks in it)');
  const request: ScpRequest = {
    role: flags.has('t') ? 'sink' : 'source',
    recursive: flags.has('r'),
    preserve: flags.has('p'),
    targetIsDirectory: flags.has('d'),
    verbose: flags.has('v'),
  };
  return { kind: 'scp', request, paths: [toPath(first), ...rest.map(toPath)] };
}

/** The home of every user is where commands start, so `~` and `~/x` are relative paths. */
function toPath(word: Word): PathWord {
  const isHome = word.quoted[0] === false && /^~(?:\/|$)/.test(word.text);
  const path = isHome ? `./${word.text.slice(2)}` : word.text;
  const units = Array.from({ length: word.text.length }, (_, i) => i).slice(isHome ? 2 : 0);
  if (!units.some((i) => word.quoted[i] === false && '*?['.includes(word.text.charAt(i)))) return { path };
  const shielded = units.map((i) => {
    const character = word.text.charAt(i);
    return word.quoted[i] === true && '*?[]\\-!^'.includes(character) ? `\\${character}` : character;
  });
  return { path, pattern: `${isHome ? './' : ''}${shielded.join('')}` };
}

function splitWords(line: string): Word[] {
  const words: Word[] = [];
  let word: Word | undefined;
  const add = (text: string, quoted: boolean): void => {
    word ??= { text: '', quoted: [] };
    word.text += text;
    for (let i = 0; i < text.length; i++) word.quoted.push(quoted);
  };
  if (line.includes('\0')) throw new Unusable('a NUL in the command');
  for (let i = 0; i < line.length; i++) {
    const character = line.charAt(i);
    if (character === ' ' || character === '\t') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === "'") {
      const end = line.indexOf("'", i + 1);
      if (end < 0) throw new Unusable('a quote is not closed');
      add(line.slice(i + 1, end), true);
      i = end;
    } else if (character === '"') i = readDoubleQuoted(line, i, add);
    else if (character === '\\') i = readEscape(line, i, add);
    else if (operators.includes(character) || startsExpansion(line, i)) throw needsQuoting(character);
    else add(character, false);
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** @returns where the quoting ends */
function readEscape(line: string, at: number, add: (text: string, quoted: boolean) => void): number {
  const next = line.charAt(at + 1);
  if (next === '') throw new Unusable('a backslash at the end');
  if (next !== '\n') add(next, true);
  return at + 1;
}

function readDoubleQuoted(line: string, open: number, add: (text: string, quoted: boolean) => void): number {
  add('', true);
  for (let i = open + 1; i < line.length; i++) {
    const character = line.charAt(i);
    if (character === '"') return i;
    if (character === '`' || startsExpansion(line, i)) throw needsQuoting(character);
    if (character === '\\' && '$`"\\\n'.includes(line.charAt(i + 1) || ' ')) i = readEscape(line, i, add);
    else add(character, true);
  }
  throw new Unusable('a quote is not closed');
}

/** A dollar sign that a shell would expand; one before anything else stands for itself. */
function startsExpansion(line: string, at: number): boolean {
  return line[at] === '$' && /[A-Za-z0-9_({@*#?$!-]/.test(line.charAt(at + 1));
}

function needsQuoting(character: string): Unusable {
  const shown = character === '\n' ? 'a line feed' : `"${character}"`;
  return new Unusable(`there is no shell here: ${shown} in a path needs single quotes`);
}
