import { FileError } from '../../../src/base/errors.ts';
import type { FileStatus, Space } from '../../../src/files/file-system.ts';
import type { OpenHow, ServedFile, ServedFiles, ServedListing } from '../../../src/sftp/server/served-files.ts';

const SPACE: Space = {
  blockBytes: 4096,
  blocks: 10n,
  freeBlocks: 5n,
  availableBlocks: 4n,
  files: 3n,
  freeFiles: 2n,
};

export function statusOf(size: number, kind: FileStatus['kind'] = 'file'): FileStatus {
  const zero = { device: 0, inode: 0, uid: 0, gid: 0, atimeSeconds: 1, mtimeSeconds: 2 };
  return { ...zero, kind, mode: 0o644, size, links: 1 };
}

/** Files in memory, which write down every call. `gate` holds up the calls whose text it matches until it is opened. */
export class ServedMemory implements ServedFiles {
  readonly calls: string[] = [];
  readonly contents: Map<string, Buffer> = new Map();
  /** Errors by call: `open /f`. */
  readonly failures: Map<string, FileError> = new Map();
  names: readonly string[] = [];
  ended = false;
  openCount = 0;
  #held: { readonly matches: RegExp; readonly opened: Promise<void> } | undefined;
  #openGate: (() => void) | undefined;

  /** Calls that match wait from now on. */
  hold(matches: RegExp): void {
    const opened = new Promise<void>((resolve) => {
      this.#openGate = resolve;
    });
    this.#held = { matches, opened };
  }

  letGo(): void {
    this.#held = undefined;
    this.#openGate?.();
  }

  async call(what: string): Promise<void> {
    this.calls.push(what);
    if (this.#held?.matches.test(what) === true) await this.#held.opened;
    const failure = this.failures.get(what);
    if (failure !== undefined) throw failure;
  }

  async #text(what: string, answer: string): Promise<string> {
    await this.call(what);
    return answer;
  }

  realPath = (path: string): Promise<string> => this.#text(`realpath ${path}`, `/real${path}`);
  readLink = (path: string): Promise<string> => this.#text(`readlink ${path}`, 'target');
  expand = (path: string): Promise<string> => this.#text(`expand ${path}`, '/expanded');
  home = (user: string): Promise<string> => this.#text(`home ${user}`, `/home/${user}`);
  remove = (path: string): Promise<void> => this.call(`remove ${path}`);
  makeDirectory = (path: string, mode: number | undefined): Promise<void> =>
    this.call(`mkdir ${path} ${mode?.toString(8)}`);
  removeDirectory = (path: string): Promise<void> => this.call(`rmdir ${path}`);
  rename = (from: string, to: string, replace: boolean): Promise<void> => this.call(`rename ${from} ${to} ${replace}`);
  makeLink = (path: string, target: string): Promise<void> => this.call(`symlink ${path} ${target}`);
  makeHardLink = (from: string, to: string): Promise<void> => this.call(`link ${from} ${to}`);

  async status(path: string, follow: boolean): Promise<FileStatus> {
    await this.call(`${follow ? 'stat' : 'lstat'} ${path}`);
    const content = this.contents.get(path);
    if (content === undefined) throw new FileError(path, 'stat', 'ENOENT');
    return statusOf(content.length);
  }

  async setAttributes(path: string, attributes: object, follow: boolean): Promise<void> {
    const told = Object.entries(attributes).filter(([, value]) => value !== undefined);
    await this.call(`${follow ? 'setstat' : 'lsetstat'} ${path} ${JSON.stringify(Object.fromEntries(told))}`);
  }

  async space(path: string): Promise<Space> {
    await this.call(`space ${path}`);
    return SPACE;
  }

  async owners(
    uids: readonly number[],
    gids: readonly number[],
  ): Promise<{ userNames: string[]; groupNames: string[] }> {
    return { userNames: uids.map((uid) => (uid === 0 ? 'root' : '')), groupNames: gids.map(() => '') };
  }

  async open(path: string, how: OpenHow): Promise<ServedFile> {
    await this.call(`open ${path}`);
    this.calls.push(JSON.stringify(how));
    let content = this.contents.get(path) ?? Buffer.alloc(0);
    this.openCount++;
    const read = async (buffer: Uint8Array, position: number): Promise<number> => {
      await this.call(`read ${path} ${position} ${buffer.length}`);
      return position >= content.length ? 0 : content.copy(buffer, 0, position);
    };
    return {
      status: async () => {
        await this.call(`fstat ${path}`);
        return statusOf(content.length);
      },
      read,
      inspect: read,
      write: async (chunks, position) => {
        const data = Buffer.concat(chunks);
        await this.call(`write ${path} ${position} ${data.length}`);
        const grown = Buffer.alloc(Math.max(content.length, position + data.length));
        content.copy(grown);
        data.copy(grown, position);
        content = grown;
        this.contents.set(path, content);
      },
      setAttributes: (attributes) => this.call(`fsetstat ${path} ${JSON.stringify(attributes.size ?? null)}`),
      sync: () => this.call(`fsync ${path}`),
      space: async () => {
        await this.call(`fspace ${path}`);
        return SPACE;
      },
      close: async () => {
        this.openCount--;
        await this.call(`close ${path}`);
      },
    };
  }

  async list(path: string): Promise<ServedListing> {
    await this.call(`opendir ${path}`);
    this.openCount++;
    let at = 0;
    return {
      next: async (count) => {
        await this.call(`readdir ${path}`);
        const some = this.names.slice(at, at + count);
        at += count;
        return some.map((name) => ({ name, status: statusOf(name.length) }));
      },
      close: async () => {
        this.openCount--;
        await this.call(`closedir ${path}`);
      },
    };
  }

  async end(): Promise<void> {
    this.ended = true;
  }
}
