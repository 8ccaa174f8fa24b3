import { FileError } from '../base/errors.ts';
import type { Directory, OpenFile, OpenOptions } from './file-system.ts';
import { LayerDirectory, LayerFile } from './layer.ts';
import { joinPath } from './path.ts';

/** Puts the name of a mount before a path inside it. */
export function mountedPath(folder: string, path: string): string {
  return path === '/' || path === '' ? folder : joinPath(folder, path.replace(/^\/+/, ''));
}

/** Runs work inside a mount. Errors name paths as the user of the mounts sees them. */
export async function inMount<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const { operation, code, cause, reason, cure } = error;
    throw new FileError(mountedPath(folder, error.path), operation, code, {
      cause,
      reason,
      ...(cure === undefined ? {} : { cure }),
    });
  }
}

/** A directory inside a mount, shown with the mount's name before it. */
export class MountDirectory extends LayerDirectory {
  readonly #folder: string;

  /** @param folder where the mount is, as `/name` @param mount what is mounted there */
  constructor(inner: Directory, folder: string, mount: object) {
    super(inner, mount);
    this.#folder = folder;
  }

  protected override over(inner: Directory): Directory {
    return new MountDirectory(inner, this.#folder, this.layer);
  }

  protected override run<T>(work: () => Promise<T>): Promise<T> {
    return inMount(this.#folder, work);
  }

  override get path(): string {
    return mountedPath(this.#folder, this.inner.path);
  }

  override async *names(options?: { readonly gradual?: boolean }): AsyncIterable<string> {
    const names = this.inner.names(options)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.run(() => names.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await names.return?.();
    }
  }

  override async open(name: string, options: OpenOptions): Promise<OpenFile> {
    return new MountFile(await super.open(name, options), this.#folder);
  }
}

class MountFile extends LayerFile {
  readonly #folder: string;

  constructor(inner: OpenFile, folder: string) {
    super(inner);
    this.#folder = folder;
  }

  protected override run<T>(work: () => Promise<T>): Promise<T> {
    return inMount(this.#folder, work);
  }

  override get path(): string {
    return mountedPath(this.#folder, this.inner.path);
  }
}
