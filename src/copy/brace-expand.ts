import { OperandError } from './location.ts';

/** More words than this are refused: `{a,b}{a,b}…` doubles with every brace. */
const MAX_WORDS = 10_000;

/**
 * Expands braces as csh and OpenSSH's scp do: `a{b,c}d` gives `abd` and `acd`, nested too; `{}` stands for itself; a backslash or brackets shield what they hold.
 *
 * @throws {OperandError} for a brace or bracket that is not closed, or for too many words.
 */
export function expandBraces(pattern: string): string[] {
  const budget = { words: MAX_WORDS };
  return expand(pattern, pattern, budget);
}

function expand(pattern: string, whole: string, budget: { words: number }): string[] {
  const brace = findBrace(pattern, whole);
  if (brace === undefined) {
    if (--budget.words < 0) throw new OperandError(`${whole}: braces give more than ${MAX_WORDS} names`);
    return [pattern];
  }
  const head = pattern.slice(0, brace.start);
  const tail = pattern.slice(brace.end + 1);
  return brace.choices.flatMap((choice) => expand(`${head}${choice}${tail}`, whole, budget));
}

interface Brace {
  readonly start: number;
  readonly end: number;
  readonly choices: readonly string[];
}

/** The first brace that is neither `{}` nor shielded, with its choices. */
function findBrace(pattern: string, whole: string): Brace | undefined {
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i];
    if (character === '\\') i++;
    else if (character === '[') i = closeBracket(pattern, i, whole);
    else if (character === '{' && pattern[i + 1] === '}') i++;
    else if (character === '{') return readBrace(pattern, i, whole);
  }
  return undefined;
}

function readBrace(pattern: string, start: number, whole: string): Brace {
  const choices: string[] = [];
  let depth = 0;
  let from = start + 1;
  for (let i = start; i < pattern.length; i++) {
    const character = pattern[i];
    if (character === '\\') i++;
    else if (character === '[') i = closeBracket(pattern, i, whole);
    else if (character === '{') depth++;
    else if (character === ',' && depth === 1) {
      choices.push(pattern.slice(from, i));
      from = i + 1;
    } else if (character === '}' && --depth === 0) {
      choices.push(pattern.slice(from, i));
      return { start, end: i, choices };
    }
  }
  throw new OperandError(`${whole}: a brace is not closed`);
}

function closeBracket(pattern: string, open: number, whole: string): number {
  for (let i = open + 1; i < pattern.length; i++) {
    if (pattern[i] === '\\') i++;
    else if (pattern[i] === ']') return i;
  }
  throw new OperandError(`${whole}: a bracket is not closed`);
}
