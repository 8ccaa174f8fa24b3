import { matchPattern } from '../base/patterns.ts';

/** The longest pattern of a rule, in characters. */
export const MAX_PATTERN_LENGTH = 1024;

/**
 * A pattern over paths: it matches the path itself and everything below it. `*` and `?` stand for characters of one component, `**` as a component for any number of components.
 * `/in` is /in and all in it; `/users/*` is each folder there with what it holds; `/**` followed by `/*.cfg` is every .cfg file.
 */
export class PathPattern {
  readonly text: string;
  readonly #components: readonly string[];

  /** @throws {RangeError} for a pattern that does not begin with a slash, has `.` or `..` in it, or is too long */
  constructor(text: string) {
    const shown = JSON.stringify(text.slice(0, 80));
    if (!text.startsWith('/')) throw new RangeError(`path ${shown}: it has to begin with a slash`);
    if (text.length > MAX_PATTERN_LENGTH) throw new RangeError(`path ${shown}…: longer than ${MAX_PATTERN_LENGTH}`);
    this.text = text;
    this.#components = split(text);
    if (this.#components.some((one) => one === '.' || one === '..'))
      throw new RangeError(`path ${shown}: . and .. are not patterns`);
  }

  /** Whether the components of a path match, or begin with what matches. */
  matches(path: readonly string[]): boolean {
    // How many components of the path the pattern's first ones may have consumed, in order: without `**` one number, so that long paths cost no more than short ones.
    let reached: number[] = [0];
    for (const component of this.#components) {
      const [first] = reached;
      if (first === undefined) return false;
      reached =
        component === '**'
          ? Array.from({ length: path.length - first + 1 }, (_, more) => first + more)
          : reached.filter((at) => at < path.length && fits(path[at] ?? '', component)).map((at) => at + 1);
    }
    return reached.length > 0;
  }
}

/** Most components of rules are names. */
function fits(name: string, component: string): boolean {
  return name === component || (/[*?]/.test(component) && matchPattern(name, component));
}

function split(path: string): string[] {
  return path.split('/').filter((component) => component !== '');
}

/**
 * The components of an absolute path as users see it, or undefined for one that is not clean: with `.` or `..` it could be another file than it seems, and a link may lie in between.
 */
export function splitPath(path: string): readonly string[] | undefined {
  if (!path.startsWith('/') || path.includes('\0')) return undefined;
  const components = split(path);
  return components.some((one) => one === '.' || one === '..') ? undefined : components;
}
