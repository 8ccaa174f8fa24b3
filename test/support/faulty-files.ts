import { type ErrorCode, FileError } from '../../src/base/errors.ts';
import type { Directory, FileSystem, OpenFile } from '../../src/files/file-system.ts';

/** Decides whether a call fails: `open .part`, `write f`, `sync directory`. */
export type Fault = (operation: string, name: string) => ErrorCode | undefined;

const unwrapped = new WeakMap<object, object>();

/** An object whose methods fail where the fault says so; `results` wraps what they give. */
function wrap<T extends object>(
  inner: T,
  before: (method: string, args: readonly unknown[]) => void,
  results: (method: string, result: unknown) => unknown,
): T {
  const proxy = new Proxy(inner, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function' || typeof key !== 'string') return value;
      return (...args: unknown[]): unknown => {
        const real = args.map((arg) => (typeof arg === 'object' && arg !== null ? (unwrapped.get(arg) ?? arg) : arg));
        const call = (): unknown => (value as (...all: unknown[]) => unknown).apply(target, real);
        if (key === 'names') return call();
        return (async () => {
          // close(2) that fails has closed.
          const closed = key === 'close' ? await call() : undefined;
          before(key, args);
          return key === 'close' ? closed : results(key, await call());
        })();
      };
    },
  });
  unwrapped.set(proxy, inner);
  return proxy;
}

function faultyFile(file: OpenFile, fault: Fault): OpenFile {
  const before = (method: string): void => {
    const code = fault(method, file.path);
    if (code !== undefined) throw new FileError(file.path, method, code);
  };
  return wrap(file, before, (_method, result) => result);
}

function faultyDirectory(directory: Directory, fault: Fault): Directory {
  const before = (method: string, args: readonly unknown[]): void => {
    const name = method === 'sync' ? 'directory' : String(args[0]);
    const code = fault(method, name);
    if (code !== undefined) throw new FileError(`${directory.path}/${name}`, method, code);
  };
  return wrap(directory, before, (method, result) => {
    if (method === 'open') return faultyFile(result as OpenFile, fault);
    return method === 'directory' ? faultyDirectory(result as Directory, fault) : result;
  });
}

/** A file system on which calls fail as a full disk, a broken one, or a system without descriptors would have them fail. */
export function faultyFileSystem(inner: FileSystem, fault: Fault): FileSystem {
  return {
    directory: async (path) => faultyDirectory(await inner.directory(path), fault),
    resolve: (path) => inner.resolve(path),
  };
}
