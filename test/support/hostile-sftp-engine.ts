import type { HostilePeer, Script } from './hostile-peer.ts';
import * as wire from './hostile-sftp-wire.ts';

type Kind = wire.Kind;
export type SftpRequest = wire.SftpRequest;

/** A file of the fake server: what it says of itself, and what comes when it is read. */
export interface FakeFile extends wire.Attrs {
  readonly content: string;
}

/** A directory is an object, a file its content, or a {@link FakeFile}. Names and contents are bytes (latin1). */
export interface Tree {
  readonly [name: string]: string | FakeFile | Tree;
}

interface Node extends wire.Attrs {
  /** Absent for a directory. */
  content?: Buffer;
}

/** What goes back for a request: bytes, nothing at all, or (undefined) what an honest server answers. */
export type Answer = Uint8Array | readonly Uint8Array[] | undefined;
export type Override = (request: SftpRequest, fake: FakeSftp) => Answer | Promise<Answer>;

/** No answer; the server goes on with the next request. */
export const NOTHING: readonly Uint8Array[] = [];

export interface SftpPlan {
  /** What is in the start directory. Default: a file `f` of `X\n`. */
  readonly tree?: Tree;
  readonly extensions?: readonly (readonly [string, string])[];
  /** Answers that are other than an honest server's. */
  readonly answers?: Readonly<Partial<Record<Kind, Override>>>;
  /** What is at every path that the tree does not have. */
  readonly anything?: FakeFile | Tree;
  /** In place of the answer to INIT. */
  readonly hello?: string | Uint8Array;
}

export const defaultTree: Tree = { f: 'X\n' };

const HOME = '/home/h';
/** More than this of an upload is counted and not kept. */
const KEPT_BYTES = 8 * 1024 * 1024;
const APPENDS = 0x08;

function isFile(what: string | FakeFile | Tree): what is string | FakeFile {
  return typeof what === 'string' || typeof what['content'] === 'string';
}

/** One path for all the ways of writing it. */
export function plainPath(path: string): string {
  const parts = path.replace(/^\/home\/h(?=\/|$)/, '').split('/');
  return parts.filter((part) => part !== '' && part !== '.').join('/');
}

/** A small SFTP server, honest but where its plan says otherwise. It answers one request after the other. */
export class FakeSftp {
  readonly peer: HostilePeer;
  readonly #plan: SftpPlan;
  readonly #nodes = new Map<string, Node>();
  readonly #handles = new Map<string, { readonly path: string; listed: boolean }>();
  readonly #counts = new Map<string, number>();
  /** What the client asked for, in order: `OPEN f`. */
  readonly log: string[] = [];

  constructor(peer: HostilePeer, plan: SftpPlan) {
    this.peer = peer;
    this.#plan = plan;
    this.#plant('', plan.tree ?? defaultTree);
  }

  #plant(path: string, what: string | FakeFile | Tree): void {
    this.#nodes.set(path, nodeOf(what));
    if (isFile(what)) return;
    for (const [name, below] of Object.entries(what)) this.#plant(path === '' ? name : `${path}/${name}`, below);
  }

  /** How many requests of this kind have come, this one included. */
  count(kind: Kind): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** The content of a file here, as far as it is kept. */
  content(path: string): string | undefined {
    return this.#nodes.get(path)?.content?.toString('latin1');
  }

  /** Everything that is here: directories with a slash. */
  paths(): string[] {
    return [...this.#nodes].map(([path, { content }]) => (content === undefined ? `${path}/` : path)).sort();
  }

  #node(path: string): Node | undefined {
    const plain = plainPath(path);
    const { anything } = this.#plan;
    return this.#nodes.get(plain) ?? (anything === undefined ? undefined : nodeOf(anything));
  }

  /** Makes a handle known, whatever its bytes are. */
  register(bytes: string, path: string): void {
    this.#handles.set(bytes, { path: plainPath(path), listed: false });
  }

  /** The path behind a handle. */
  pathOf(bytes: string): string {
    return this.#handles.get(bytes)?.path ?? '';
  }

  async run(): Promise<void> {
    const { hello, extensions, answers } = this.#plan;
    const init = await this.#request();
    if (init.kind !== 'INIT') throw new Error(`the client began with ${init.kind}`);
    const greeting = answers?.INIT === undefined ? undefined : await answers.INIT(init, this);
    await this.#send(greeting ?? (hello === undefined ? wire.version(3, ...(extensions ?? [])) : bytesOf(hello)));
    for (;;) {
      const request = await this.#request();
      this.log.push(`${request.kind} ${request.path || this.pathOf(request.handle)}`);
      const answer = await answers?.[request.kind]?.(request, this);
      await this.#send(answer ?? this.honest(request));
    }
  }

  async #request(): Promise<SftpRequest> {
    const length = (await this.peer.read(4)).readUInt32BE();
    if (length > 1024 * 1024) throw new Error(`the client sent a packet of ${length} bytes`);
    const request = wire.parseRequest(await this.peer.read(length));
    this.#counts.set(request.kind, this.count(request.kind) + 1);
    return request;
  }

  async #send(answer: Uint8Array | readonly Uint8Array[]): Promise<void> {
    const pieces = answer instanceof Uint8Array ? [answer] : answer;
    if (pieces.length > 0) await this.peer.send(Buffer.concat(pieces));
  }

  /** What an honest server answers. */
  honest(request: SftpRequest): Buffer {
    const { kind, id, path } = request;
    switch (kind) {
      case 'STAT':
      case 'LSTAT':
        return this.#attrs(id, this.#node(path));
      case 'FSTAT':
        return this.#attrs(id, this.#node(this.pathOf(request.handle)));
      case 'REALPATH':
        return wire.names(id, [{ name: `${HOME}/${plainPath(path)}`.replace(/\/$/, '') }]);
      case 'OPEN':
        return this.#open(request);
      case 'OPENDIR':
        return this.#node(path) === undefined
          ? wire.status(id, wire.NO_SUCH_FILE, 'No such file')
          : this.#newHandle(id, path);
      case 'READ':
        return this.#read(request);
      case 'READDIR':
        return this.#readdir(request);
      case 'WRITE':
        return this.#write(request);
      case 'MKDIR':
        return this.#mkdir(id, path);
      case 'EXTENDED':
        return this.#extended(request);
      case 'CLOSE':
      case 'SETSTAT':
      case 'FSETSTAT':
        return wire.status(id, wire.OK);
      default:
        return wire.status(id, wire.OP_UNSUPPORTED, 'Operation unsupported');
    }
  }

  #attrs(id: number, node: Node | undefined): Buffer {
    if (node === undefined) return wire.status(id, wire.NO_SUCH_FILE, 'No such file');
    return wire.attrs(id, describe(node));
  }

  #newHandle(id: number, path: string): Buffer {
    const bytes = `handle ${this.#handles.size}`;
    this.register(bytes, path);
    return wire.handle(id, bytes);
  }

  #open({ id, path, flags }: SftpRequest): Buffer {
    const plain = plainPath(path);
    if (this.#node(path) === undefined) {
      if ((flags & APPENDS) === 0) return wire.status(id, wire.NO_SUCH_FILE, 'No such file');
      this.#nodes.set(plain, { content: Buffer.alloc(0) });
    }
    return this.#newHandle(id, path);
  }

  #read({ id, handle, offset, length }: SftpRequest): Buffer {
    const content = this.#node(this.pathOf(handle))?.content ?? Buffer.alloc(0);
    if (offset >= content.length) return wire.status(id, wire.EOF, 'End of file');
    return wire.data(id, content.subarray(offset, offset + length));
  }

  #readdir({ id, handle }: SftpRequest): Buffer {
    const open = this.#handles.get(handle);
    if (open === undefined || open.listed) return wire.status(id, wire.EOF, 'End of file');
    open.listed = true;
    return wire.names(id, this.entries(open.path));
  }

  /** What a listing of the directory holds, with the two names that lead nowhere new. */
  entries(path: string): wire.Entry[] {
    const prefix = path === '' ? '' : `${path}/`;
    const found: wire.Entry[] = ['.', '..'].map((name) => ({ name, mode: wire.DIRECTORY_MODE, size: 4096 }));
    for (const [below, node] of this.#nodes) {
      const name = below.slice(prefix.length);
      if (below.startsWith(prefix) && name !== '' && !name.includes('/')) found.push({ name, ...describe(node) });
    }
    return found;
  }

  #write({ id, handle, offset, content }: SftpRequest): Buffer {
    const node = this.#nodes.get(this.pathOf(handle));
    if (node?.content === undefined) return wire.status(id, wire.FAILURE, 'no such handle');
    const end = offset + content.length;
    if (end <= KEPT_BYTES) {
      const grown = Buffer.alloc(Math.max(end, node.content.length));
      node.content.copy(grown);
      content.copy(grown, offset);
      node.content = grown;
    }
    return wire.status(id, wire.OK);
  }

  #mkdir(id: number, path: string): Buffer {
    const plain = plainPath(path);
    if (this.#nodes.has(plain)) return wire.status(id, wire.FAILURE, 'Failure');
    this.#nodes.set(plain, {});
    return wire.status(id, wire.OK);
  }

  #extended({ id, path, second }: SftpRequest): Buffer {
    if (path === 'limits@openssh.com')
      return wire.packet('EXTENDED_REPLY', id, ...[262_144, 261_120, 261_120, 100].map((value) => wire.u64(value)));
    if (path === 'expand-path@openssh.com') return wire.names(id, [{ name: `/home/${second.replace(/^~/, '')}` }]);
    return wire.status(id, wire.OP_UNSUPPORTED, 'Operation unsupported');
  }
}

function nodeOf(what: string | FakeFile | Tree): Node {
  if (typeof what === 'string') return { content: Buffer.from(what, 'latin1') };
  if (!isFile(what)) return {};
  const { content, ...attrs } = what;
  return { ...attrs, content: Buffer.from(content, 'latin1') };
}

function describe({ content, ...told }: Node): wire.Attrs {
  if (content === undefined) return { mode: wire.DIRECTORY_MODE, size: 4096, mtime: 1_000_000, ...told };
  return { mode: wire.FILE_MODE, size: content.length, mtime: 1_000_000, ...told };
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
}

/** A server that follows the plan. `seen` gets the server of each connection, for questions afterwards. */
export function sftp(plan: SftpPlan = {}, seen?: FakeSftp[]): Script {
  return async (peer) => {
    const fake = new FakeSftp(peer, plan);
    seen?.push(fake);
    await fake.run();
  };
}

/** Answers the first request of its kind in another way, and what comes later as it should be. */
export const once =
  (override: Override): Override =>
  (request, fake) =>
    fake.count(request.kind) === 1 ? override(request, fake) : undefined;

/** Neither answers nor reads any more, until the client goes. */
export const stall: Override = async (_, fake) => {
  await fake.peer.gone;
  return NOTHING;
};

/** Ends the connection with a status in place of an answer. */
export const leave =
  (code = 0): Override =>
  async (_, fake) => {
    fake.peer.exit(code);
    await fake.peer.gone;
    return NOTHING;
  };

/** The same bytes for every request of the kind. */
export const say =
  (make: (id: number, request: SftpRequest) => Answer): Override =>
  (request) =>
    make(request.id, request);
