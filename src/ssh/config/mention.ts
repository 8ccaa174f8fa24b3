import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { matchPattern } from '../../base/patterns.ts';
import { expandHome } from './tokens.ts';
import { splitWords } from './values.ts';

/** As many files are looked at. Whoever includes more is not looked through. */
const MAX_FILES = 64;

/** The longest file that is looked at. Bytes. */
const MAX_FILE_BYTES: number = 1024 * 1024;

/** Where to look. */
export interface ConfigPlaces {
  readonly files: readonly string[];
  /** What `~` stands for in an Include. */
  readonly home: string;
}

/**
 * Whether a keyword may be set in these files of ssh_config or in one that they include, for whatever host. Nothing is interpreted: a line with the keyword in it counts, whatever Host or Match is above it, and what cannot be
 * followed counts too. So "false" is certain, as far as a file can be read at all, and is found out without asking the `ssh` program.
 *
 * @param keyword in lower case
 */
export async function mayMention(keyword: string, { files, home }: ConfigPlaces): Promise<boolean> {
  const seen = new Set<string>();
  const looksAt = async (file: string): Promise<boolean> => {
    if (seen.has(file)) return false;
    seen.add(file);
    if (seen.size > MAX_FILES) return true;
    const text = await textOf(file);
    if (text === undefined) return false;
    if (text === 'too long') return true;
    for (const line of text.split('\n')) {
      const words = line.trim();
      if (words.startsWith('#')) continue;
      if (words.toLowerCase().includes(keyword)) return true;
      const include = /^"?include"?(?:\s*=|\s)(.*)$/i.exec(words)?.[1];
      if (include !== undefined && (await anyOf(include, file))) return true;
    }
    return false;
  };
  const anyOf = async (patterns: string, file: string): Promise<boolean> => {
    for (const pattern of splitWords(patterns)) {
      const included = await includedBy(pattern, file, home);
      if (included === undefined) return true;
      for (const one of included) if (await looksAt(one)) return true;
    }
    return false;
  };
  for (const file of files) if (await looksAt(file)) return true;
  return false;
}

/** undefined where there is no file that could be read: ssh does not read it either, or says so itself. */
async function textOf(file: string): Promise<string | undefined> {
  try {
    const { size } = await stat(file);
    return size > MAX_FILE_BYTES ? 'too long' : await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** The files of an Include, relative to the folder of the user's files or of the system's; undefined where only ssh knows which those are. */
async function includedBy(pattern: string, file: string, home: string): Promise<string[] | undefined> {
  const path = expandHome(pattern, home);
  // Tokens and variables, somebody else's home, and wildcards in the name of a folder.
  if (/[%$]|^~/.test(path) || /[*?[\]{}\\]/.test(dirname(path))) return undefined;
  const places = path.startsWith('/') ? [path] : [join(home, '.ssh', path), join(dirname(file), path)];
  const found: string[] = [];
  for (const place of places) {
    const folder = dirname(place);
    const last = place.slice(folder.length + 1);
    if (/[[\]{}\\]/.test(last)) return undefined;
    if (!/[*?]/.test(last)) found.push(place);
    else for (const name of await namesIn(folder)) if (matchPattern(name, last)) found.push(join(folder, name));
  }
  return found;
}

async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}
