import { type ConfigValue, configValue } from './values.ts';

/** What the option words of ssh say. */
export interface SshArguments {
  /** Values in the user's order, keywords in lower case; they win over every file. */
  readonly values: readonly (readonly [keyword: string, value: ConfigValue])[];
  /** `-F`; `none` reads no file. */
  readonly configFile: string | undefined;
  /** How many `-v`. */
  readonly verbosity: number;
  readonly quiet: boolean;
  /** Options that nothing here understands. */
  readonly unknown: readonly string[];
}

/** Flags without a value, as keyword and value; an empty list where there is nothing to do. */
const flags: Readonly<Record<string, readonly [string, string] | readonly []>> = {
  '4': ['addressfamily', 'inet'],
  '6': ['addressfamily', 'inet6'],
  C: ['compression', 'yes'],
  B: ['batchmode', 'yes'],
  // No agent is forwarded, and there is no X11, over a connection that only copies.
  A: [],
  a: [],
  x: [],
  X: [],
  Y: [],
  T: [],
  n: [],
};

/** Flags with a value, as keywords. */
const valued: Readonly<Record<string, string>> = {
  i: 'identityfile',
  J: 'proxyjump',
  c: 'ciphers',
  m: 'macs',
  l: 'user',
  p: 'port',
  b: 'bindaddress',
  o: '',
  F: '',
};

/** `Keyword value`, `Keyword=value`, `Keyword = value`. */
function parseOption(text: string): readonly [string, ConfigValue] | undefined {
  const match = /^\s*([A-Za-z0-9]+)\s*(?:=|\s)\s*(.*)$/s.exec(text);
  if (match?.[1] === undefined || match[2] === undefined || match[2].trim() === '') return undefined;
  return [match[1].toLowerCase(), configValue(match[2])];
}

/**
 * Reads option words as ssh reads them: values attached or as the next word, flags combined. `-B` is scp's. Total: what is
 * not understood is listed.
 */
export function parseSshArguments(args: readonly string[]): SshArguments {
  const values: (readonly [string, ConfigValue])[] = [];
  const unknown: string[] = [];
  let configFile: string | undefined;
  let verbosity = 0;
  let quiet = false;
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? '';
    if (!/^-./.test(word) || word.startsWith('--')) {
      unknown.push(word);
      continue;
    }
    for (let c = 1; c < word.length; c++) {
      const letter = word[c] ?? '';
      if (letter === 'v') verbosity++;
      else if (letter === 'q') quiet = true;
      else if (Object.hasOwn(flags, letter)) {
        const [keyword, value] = flags[letter] ?? [];
        if (keyword !== undefined && value !== undefined) values.push([keyword, configValue(value)]);
      } else if (Object.hasOwn(valued, letter)) {
        const attached = word.slice(c + 1);
        const value = attached === '' ? args[++at] : attached;
        const keyword = valued[letter] ?? '';
        const option = letter === 'o' ? parseOption(value ?? '') : undefined;
        if (value === undefined) unknown.push(`-${letter}`);
        else if (letter === 'F') configFile ??= value;
        else if (letter !== 'o') values.push([keyword, { text: value, words: [value] }]);
        else if (option) values.push(option);
        else unknown.push(`-o ${value}`);
        break;
      } else unknown.push(`-${letter}`);
    }
  }
  return { values, configFile, verbosity, quiet, unknown };
}
