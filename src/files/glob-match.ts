/** One element of a compiled pattern. */
type Element =
  | { readonly kind: 'literal'; readonly character: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'star' }
  | { readonly kind: 'set'; readonly negated: boolean; readonly ranges: readonly (readonly [number, number])[] };

const classes: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  alpha: [
    ['a', 'z'],
    ['A', 'Z'],
  ],
  digit: [['0', '9']],
  alnum: [
    ['a', 'z'],
    ['A', 'Z'],
    ['0', '9'],
  ],
  upper: [['A', 'Z']],
  lower: [['a', 'z']],
  space: [
    ['\t', '\r'],
    [' ', ' '],
  ],
  xdigit: [
    ['0', '9'],
    ['a', 'f'],
    ['A', 'F'],
  ],
  punct: [
    ['!', '/'],
    [':', '@'],
    ['[', '`'],
    ['{', '~'],
  ],
};

/** Whether the text has characters that make it a pattern: `*`, `?` or `[`, not shielded by a backslash. */
export function isPattern(text: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*[*?[]/.test(text);
}

/**
 * Matches one path component against a shell pattern (fnmatch(3) with FNM_PERIOD): `*`, `?`, `[a-z]`, `[!x]`, `[[:digit:]]`, backslash. A leading dot is matched by a dot only. Runs in time
 * proportional to pattern times name, whatever the pattern.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  return globMatcher(pattern)(name);
}

/** {@link matchesGlob} for many names: the pattern is read once, and names that begin or end in another way are turned away without a look at each character. */
export function globMatcher(pattern: string): (name: string) => boolean {
  const elements = compile(pattern);
  const prefix = literals(elements);
  const suffix = Array.from(literals(elements.toReversed())).reverse().join('');
  const takesDot = prefix.startsWith('.');
  return (name) => {
    if (name.startsWith('.') && !takesDot) return false;
    return name.startsWith(prefix) && name.endsWith(suffix) && matchElements(elements, Array.from(name));
  };
}

/** The characters that the elements begin with. */
function literals(elements: readonly Element[]): string {
  let text = '';
  for (const element of elements) {
    if (element.kind !== 'literal') return text;
    text += element.character;
  }
  return text;
}

/** Greedy match that goes back to the last star only: each star needs to be retried at most once per character. */
function matchElements(elements: readonly Element[], characters: readonly string[]): boolean {
  let at = 0;
  let element = 0;
  let starElement = -1;
  let starAt = 0;
  while (at < characters.length) {
    const current = elements[element];
    if (current?.kind === 'star') {
      starElement = element++;
      starAt = at;
    } else if (current !== undefined && matchesOne(current, characters[at] as string)) {
      element++;
      at++;
    } else if (starElement >= 0) {
      element = starElement + 1;
      at = ++starAt;
    } else return false;
  }
  while (elements[element]?.kind === 'star') element++;
  return element === elements.length;
}

function matchesOne(element: Element, character: string): boolean {
  switch (element.kind) {
    case 'literal':
      return element.character === character;
    case 'any':
    case 'star':
      return true;
    case 'set': {
      const code = character.codePointAt(0) ?? 0;
      return element.negated !== element.ranges.some(([low, high]) => code >= low && code <= high);
    }
    default:
      return element satisfies never;
  }
}

function compile(pattern: string): Element[] {
  const characters = Array.from(pattern);
  const elements: Element[] = [];
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] as string;
    if (character === '*') elements.push({ kind: 'star' });
    else if (character === '?') elements.push({ kind: 'any' });
    else if (character === '\\' && i + 1 < characters.length)
      elements.push({ kind: 'literal', character: characters[++i] as string });
    else if (character === '[') {
      const set = readSet(characters, i);
      elements.push(set?.element ?? { kind: 'literal', character });
      if (set !== undefined) i = set.end;
    } else elements.push({ kind: 'literal', character });
  }
  return elements;
}

/** Reads `[...]` from `open` on; undefined where it is not closed, so that the bracket stands for itself. */
function readSet(characters: readonly string[], open: number): { element: Element; end: number } | undefined {
  let i = open + 1;
  const negated = characters[i] === '!' || characters[i] === '^';
  if (negated) i++;
  const ranges: (readonly [number, number])[] = [];
  for (const start = i; i < characters.length; i++) {
    if (characters[i] === ']' && i > start) return { element: { kind: 'set', negated, ranges }, end: i };
    const named = /^\[:([a-z]+):\]/.exec(characters.slice(i, i + 12).join(''));
    const members = named === null ? undefined : classes[named[1] ?? ''];
    if (named !== null && members !== undefined) {
      ranges.push(...members.map(([low, high]) => [code(low), code(high)] as const));
      i += named[0].length - 1;
      continue;
    }
    if (characters[i] === '\\' && i + 1 < characters.length) i++;
    const low = code(characters[i]);
    if (characters[i + 1] === '-' && characters[i + 2] !== undefined && characters[i + 2] !== ']') i += 2;
    ranges.push([low, code(characters[i])]);
  }
  return undefined;
}

function code(character: string | undefined): number {
  return character?.codePointAt(0) ?? 0;
}
