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
    // What the pattern's first p components may have consumed: one bit per length of path, so that many ** stay cheap.
    let reached: boolean[] = path.map(() => false).concat(false);
    reached[0] = true;
    for (const component of this.#components) {
      const next = reached.map(() => false);
      let open = false;
      for (let at = 0; at <= path.length; at++) {
        if (component === '**') {
          open ||= reached[at] === true;
          next[at] = open;
        } else if (at < path.length && reached[at] === true && matchPattern(path[at] ?? '', component)) {
          next[at + 1] = true;
        }
      }
      reached = next;
    }
    return reached.includes(true);
  }
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
