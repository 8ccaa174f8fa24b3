/** One piece of TypeScript that is not white space or a comment. */
export interface Token {
  readonly kind: 'word' | 'string' | 'number' | 'template' | 'regex' | 'punctuation';
  /** The text; of a string its content, of a template the text up to its first substitution. */
  readonly text: string;
  readonly line: number;
}

/** One import, re-export, dynamic import, type import or `require`. */
export interface ImportFound {
  /** Undefined when the module is computed at run time, so that nobody can say what is loaded. */
  readonly from: string | undefined;
  readonly kind: 'static' | 'dynamic' | 'require';
  readonly typeOnly: boolean;
  /** What a static import or re-export names, in the other module's words; `*` for all of it. */
  readonly names: readonly string[];
  readonly line: number;
}

const wordStart = /[\p{ID_Start}$_#@]/u;
const wordPart = /[\p{ID_Continue}$\u200c\u200d]/u;
/** After these words a slash begins a regular expression; after any other word it divides. */
const operatorWords = new Set(
  'return typeof case do else in instanceof new of void delete throw await yield extends default'.split(' '),
);

/**
 * Splits TypeScript into tokens, so that comments and texts that look like code are not taken for it.
 *
 * @throws SyntaxError where a string, template, comment or regular expression does not end: better to fail than to
 * read on out of step.
 */
export function tokenize(source: string): Token[] {
  const scanner = new Scanner(source);
  scanner.code();
  return scanner.tokens;
}

class Scanner {
  readonly tokens: Token[] = [];
  readonly #source: string;
  #at = 0;
  #line = 1;

  constructor(source: string) {
    this.#source = source.startsWith('#!') ? `//${source.slice(2)}` : source;
  }

  #fail(what: string): never {
    throw new SyntaxError(`line ${this.#line}: ${what} does not end`);
  }

  #step(count = 1): string {
    const text = this.#source.slice(this.#at, this.#at + count);
    this.#at += text.length;
    this.#line += text.split('\n').length - 1;
    return text;
  }

  #push(kind: Token['kind'], text: string, line = this.#line): void {
    this.tokens.push({ kind, text, line });
  }

  /** Reads code up to its end, or up to the brace that ends a substitution in a template. */
  code(inTemplate = false): void {
    let depth = 0;
    while (this.#at < this.#source.length) {
      const character = this.#source[this.#at] as string;
      if (inTemplate && character === '}' && depth === 0) return;
      if (character === '{') depth += 1;
      if (character === '}') depth -= 1;
      this.#token(character);
    }
    if (inTemplate) this.#fail('a template');
  }

  #token(character: string): void {
    const next = this.#source[this.#at + 1];
    if (/\s/.test(character)) this.#step();
    else if (character === '/' && next === '/') this.#upTo('\n', 'a comment', true);
    else if (character === '/' && next === '*') this.#upTo('*/', 'a comment');
    else if (character === '"' || character === "'") this.#string();
    else if (character === '`') this.#template();
    else if (character === '/' && this.#slashBeginsRegex()) this.#regex();
    else if (wordStart.test(character)) this.#run('word', wordPart);
    else if (/[0-9]/.test(character)) this.#run('number', /[0-9a-zA-Z_.]/);
    else this.#push('punctuation', this.#step());
  }

  #upTo(end: string, what: string, orEndOfSource = false): void {
    const found = this.#source.indexOf(end, this.#at + 2);
    if (found < 0 && !orEndOfSource) this.#fail(what);
    this.#step((found < 0 ? this.#source.length : found + end.length) - this.#at);
  }

  #run(kind: Token['kind'], part: RegExp): void {
    let text = this.#step();
    while (this.#at < this.#source.length && part.test(this.#source[this.#at] as string)) text += this.#step();
    this.#push(kind, text);
  }

  #string(): void {
    const line = this.#line;
    const quote = this.#step();
    let text = '';
    while (this.#source[this.#at] !== quote) {
      const character = this.#source[this.#at];
      if (character === undefined || character === '\n') this.#fail('a string');
      text += this.#step(character === '\\' ? 2 : 1);
    }
    this.#step();
    this.#push('string', text, line);
  }

  #template(): void {
    const line = this.#line;
    const place = this.tokens.length;
    let first: string | undefined;
    let text = '';
    this.#step();
    while (this.#source[this.#at] !== '`') {
      const character = this.#source[this.#at];
      if (character === undefined) this.#fail('a template');
      if (character === '$' && this.#source[this.#at + 1] === '{') {
        first ??= text;
        this.#step(2);
        this.code(true);
      }
      text += this.#step(character === '\\' ? 2 : 1);
    }
    this.#step();
    this.tokens.splice(place, 0, { kind: first === undefined ? 'string' : 'template', text: first ?? text, line });
  }

  #slashBeginsRegex(): boolean {
    const before = this.tokens.at(-1);
    if (before === undefined) return true;
    if (before.kind === 'punctuation') return !')]}'.includes(before.text);
    return before.kind === 'word' && operatorWords.has(before.text);
  }

  #regex(): void {
    const line = this.#line;
    let text = this.#step();
    for (let inClass = false; inClass || this.#source[this.#at] !== '/'; ) {
      const character = this.#source[this.#at];
      if (character === undefined || character === '\n') this.#fail('a regular expression');
      if (character === '[') inClass = true;
      if (character === ']') inClass = false;
      text += this.#step(character === '\\' ? 2 : 1);
    }
    text += this.#step();
    while (/[a-z]/.test(this.#source[this.#at] ?? '')) text += this.#step();
    this.#push('regex', text, line);
  }
}

/** Every way in which a source names another module. */
export function findImports(tokens: readonly Token[]): ImportFound[] {
  const found: ImportFound[] = [];
  tokens.forEach((token, index) => {
    if (token.kind !== 'word' || isProperty(tokens, index)) return;
    if (token.text === 'import' || token.text === 'require') {
      const kind = token.text === 'import' ? 'dynamic' : 'require';
      if (is(tokens[index + 1], '(')) {
        const module = tokens[index + 2];
        const from = module?.kind === 'string' && is(tokens[index + 3], ')', ',') ? module.text : undefined;
        found.push({ from, kind, typeOnly: false, names: ['*'], line: token.line });
        return;
      }
    }
    if (token.text === 'import' || token.text === 'export') {
      const clause = readClause(tokens, index);
      if (clause !== undefined) found.push(clause);
    }
  });
  return found;
}

function is(token: Token | undefined, ...texts: string[]): boolean {
  return token !== undefined && token.kind !== 'string' && texts.includes(token.text);
}

/** `a.import` and `{ import: … }` are names, but `...import('x')` is not. */
function isProperty(tokens: readonly Token[], index: number): boolean {
  const afterDot = is(tokens[index - 1], '.') && !is(tokens[index - 2], '.');
  return afterDot || is(tokens[index + 1], ':');
}

function readClause(tokens: readonly Token[], index: number): ImportFound | undefined {
  const keyword = tokens[index] as Token;
  const next = tokens[index + 1];
  const found = { kind: 'static', line: keyword.line } as const;
  if (keyword.text === 'import' && next?.kind === 'string') {
    return { ...found, from: next.text, typeOnly: false, names: [] };
  }
  // `import type from 'x'` imports a value that is called type.
  const second = tokens[index + 2];
  const typeClause = is(next, 'type') && (is(second, '{', '*') || (second?.kind === 'word' && second.text !== 'from'));
  let at = index + (typeClause ? 2 : 1);
  if (keyword.text === 'export' && !is(tokens[at], '{', '*')) return undefined;
  if (keyword.text === 'import' && is(tokens[at], '.')) return undefined;
  const clauseStart = at;
  while (!(is(tokens[at], 'from') && tokens[at + 1]?.kind === 'string')) {
    const outside = at > clauseStart && is(tokens[at - 1], '}');
    if (tokens[at] === undefined || is(tokens[at], ';', '=', '(') || (keyword.text === 'export' && outside)) {
      return undefined;
    }
    at += 1;
  }
  const names = readNames(tokens.slice(clauseStart, at));
  const typeOnly = typeClause || (names.length > 0 && names.every((name) => name.type));
  return { ...found, from: tokens[at + 1]?.text, typeOnly, names: names.map((name) => name.text) };
}

function readNames(clause: readonly Token[]): { text: string; type: boolean }[] {
  const names: { text: string; type: boolean }[] = [];
  let inBraces = false;
  let specifier: Token[] = [];
  const finish = (): void => {
    const type = inBraces && specifier.length > 1 && is(specifier[0], 'type') && !is(specifier[1], 'as');
    const name = specifier[type ? 1 : 0];
    if (name !== undefined) names.push({ text: inBraces || name.text === '*' ? name.text : 'default', type });
    specifier = [];
  };
  for (const token of clause) {
    if (is(token, '{', '}', ',')) finish();
    else specifier.push(token);
    if (is(token, '{')) inBraces = true;
    if (is(token, '}')) inBraces = false;
  }
  finish();
  return names;
}

/** The lines of `export default`, in any of its spellings. */
export function findDefaultExports(tokens: readonly Token[]): number[] {
  const lines: number[] = [];
  tokens.forEach((token, index) => {
    if (!is(token, 'export') || token.kind !== 'word' || isProperty(tokens, index)) return;
    if (is(tokens[index + 1], 'default', '=')) lines.push(token.line);
    if (!is(tokens[index + 1], '{')) return;
    for (let at = index + 2; tokens[at] !== undefined && !is(tokens[at], '}'); at += 1) {
      if (is(tokens[at], 'default') && is(tokens[at + 1], ',', '}')) lines.push(token.line);
    }
  });
  return lines;
}

const processState = new Set(
  'argv argv0 execArgv env stdin stdout stderr exit exitCode exiting reallyExit abort on once'.split(' '),
);

/** Uses of what belongs to the whole process: its arguments, environment, standard streams, signals and end. */
export function findProcessState(tokens: readonly Token[]): { readonly name: string; readonly line: number }[] {
  const uses: { name: string; line: number }[] = [];
  tokens.forEach((token, index) => {
    if (token.kind !== 'word' || token.text !== 'process' || is(tokens[index + 1], ':', '(')) return;
    if (is(tokens[index - 1], '.') && !is(tokens[index - 2], 'globalThis', '.')) return;
    const optional = is(tokens[index + 1], '?') && is(tokens[index + 2], '.');
    const name = tokens[index + (optional ? 3 : 2)];
    if (optional || is(tokens[index + 1], '.')) {
      if (name !== undefined && processState.has(name.text)) uses.push({ name: name.text, line: token.line });
    } else if (is(tokens[index + 1], '[') || is(tokens[index - 1], '=')) {
      // `process['env']` and `const { env } = process` hide which part they use.
      uses.push({ name: 'as a whole', line: token.line });
    }
  });
  for (const { from, names, line } of findImports(tokens)) {
    if (from !== 'node:process' && from !== 'process') continue;
    for (const name of names)
      if (processState.has(name) || name === '*' || name === 'default') uses.push({ name, line });
  }
  return uses;
}
