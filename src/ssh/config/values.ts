/** One value of a keyword of ssh_config. */
export interface ConfigValue {
  /** As written, without the white space around it: what a command needs. */
  readonly text: string;
  /** Taken apart at white space, without quotes. */
  readonly words: readonly string[];
}

/** All values of each keyword (in lower case), in the order they were found. For most keywords the first one counts. */
export type ConfigValues = Map<string, ConfigValue[]>;

/** Takes a line apart at white space; double quotes keep white space together, a backslash keeps a quote. Total. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  for (const [, quoted, plain] of text.matchAll(/"((?:[^"\\]|\\.)*)"?|([^\s"]+)/g)) {
    words.push(quoted === undefined ? (plain ?? '') : quoted.replace(/\\(["\\])/g, '$1'));
  }
  return words;
}

/** Makes a value of a text. */
export function configValue(text: string): ConfigValue {
  return { text: text.trim(), words: splitWords(text) };
}

/** Adds a value behind those that were found before. */
export function addValue(values: ConfigValues, keyword: string, value: ConfigValue): void {
  const key = keyword.toLowerCase();
  const known = values.get(key);
  if (known) known.push(value);
  else values.set(key, [value]);
  // Whichever of the two is named first switches the other off.
  if (key === 'proxyjump' && !values.has('proxycommand')) values.set('proxycommand', [configValue('none')]);
  if (key === 'proxycommand' && !values.has('proxyjump')) values.set('proxyjump', [configValue('none')]);
}

/** The first word of the first value, which is the one that counts. */
export function firstWord(values: ConfigValues, keyword: string): string | undefined {
  return values.get(keyword)?.[0]?.words[0];
}
