import type { Directory } from '../../src/files/file-system.ts';

/** A directory some of whose methods are others. */
export function hookedDirectory(directory: Directory, hooks: Partial<Directory>): Directory {
  return new Proxy(directory, {
    get(target, name) {
      const hook: unknown = Reflect.get(hooks, name);
      if (hook !== undefined) return hook;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
