import type { FileStatus } from '../files/file-system.ts';
import { matchesGlob } from '../files/glob-match.ts';

/** One `--include` or `--exclude`, in the order of the command line. */
export interface EntryRule {
  readonly action: 'include' | 'exclude';
  /**
   * A pattern without a slash matches the last component anywhere; one with a slash matches the whole path below the operand, where `**` stands for any number of directories. A slash at the end matches directories
   * only, one at the start means nothing more.
   */
  readonly pattern: string;
}

/** Decides which entries are copied. */
export interface EntryFilter {
  /** @param path components below the operand, joined by slashes */
  wants(path: string, kind: 'file' | 'directory', status: FileStatus): boolean;
}

/** Decides which entries are copied: the first rule that matches an entry decides; an entry that no rule matches is copied, unless all rules are includes. */
export class EntryRules implements EntryFilter {
  readonly #rules: readonly CompiledRule[];
  /** With nothing but includes, only what they name is wanted. */
  readonly #onlyIncludes: boolean;

  constructor(rules: readonly EntryRule[]) {
    this.#rules = rules.map(compile);
    this.#onlyIncludes = rules.length > 0 && rules.every((rule) => rule.action === 'include');
  }

  /**
   * Whether an entry is wanted. A directory that an exclude matches is entered all the same where an include stands before that: what it names may be inside.
   *
   * @param path components below the operand, joined by slashes
   */
  wants(path: string, kind: 'file' | 'directory'): boolean {
    let includesBefore = false;
    for (const rule of this.#rules) {
      if (matches(rule, path, kind)) {
        if (rule.action === 'include') return true;
        return kind === 'directory' && includesBefore;
      }
      includesBefore ||= rule.action === 'include';
    }
    return kind === 'directory' || !this.#onlyIncludes;
  }
}

interface CompiledRule {
  readonly action: 'include' | 'exclude';
  readonly components: readonly string[];
  /** Matches at any depth. */
  readonly floating: boolean;
  readonly directoriesOnly: boolean;
}

function compile({ action, pattern }: EntryRule): CompiledRule {
  const directoriesOnly = pattern.endsWith('/');
  const bare = pattern.replace(/\/+$/, '');
  const components = bare.split('/').filter((component) => component !== '');
  return { action, components, floating: !bare.includes('/'), directoriesOnly };
}

function matches(rule: CompiledRule, path: string, kind: 'file' | 'directory'): boolean {
  if (rule.directoriesOnly && kind !== 'directory') return false;
  const components = path.split('/');
  if (!rule.floating) return matchesAll(rule.components, components);
  return matchesOne(rule.components[0] ?? '', components.at(-1) ?? '');
}

/** Who excludes `*` means hidden files too: with something in front of both, a leading dot is a character like any other. */
function matchesOne(pattern: string, name: string): boolean {
  return matchesGlob(`x${pattern}`, `x${name}`);
}

function matchesAll(patterns: readonly string[], components: readonly string[]): boolean {
  const [pattern, ...rest] = patterns;
  if (pattern === undefined) return components.length === 0;
  if (pattern === '**') {
    for (let skipped = 0; skipped <= components.length; skipped++) {
      if (matchesAll(rest, components.slice(skipped))) return true;
    }
    return false;
  }
  const [component, ...below] = components;
  return component !== undefined && matchesOne(pattern, component) && matchesAll(rest, below);
}
