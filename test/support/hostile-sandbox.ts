import { chmod, lstat, mkdir, readdir, readFile, readlink, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createTempDirectory } from './temp.ts';

/** The modification time that everything in a sandbox has at the start: whatever touches it shows. Seconds. */
export const OLD_TIME = 1_000_000_000;

/** What a path of the sandbox is at the start: text for a file, `/` for a directory, `-> x` for a link. */
export type Plan = Readonly<Record<string, string>>;

/**
 * Where an attack may do its harm: `work` is the current directory of the client, `work/out` the directory that is
 * copied to, with a file `f` that the server may replace and nothing else.
 */
const basePlan: Plan = {
  'home/.bashrc': 'bashrc\n',
  'home/.ssh/authorized_keys': 'keys\n',
  'outside/secret': 'secret\n',
  'outside/dir/inner': 'inner\n',
  'work/neighbour': 'neighbour\n',
  'work/out/f': 'old f\n',
  'work/out/keep': 'keep\n',
};

interface Entry {
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  readonly mode: number;
  readonly mtime: number;
  readonly content: string;
}

type Snapshot = ReadonlyMap<string, Entry>;

/** Content of this length or less is compared and shown as text; of more, by its length. */
const SHOWN_BYTES = 4096;

async function readEntry(path: string): Promise<Entry> {
  const stats = await lstat(path);
  const rest = { mode: stats.mode & 0o7777, mtime: stats.mtimeMs / 1000 };
  if (stats.isSymbolicLink()) return { kind: 'link', ...rest, content: await readlink(path) };
  if (stats.isDirectory()) return { kind: 'directory', ...rest, content: '' };
  if (!stats.isFile()) return { kind: 'other', ...rest, content: '' };
  const content = stats.size > SHOWN_BYTES ? `${stats.size} bytes` : await readFile(path, 'latin1');
  return { kind: 'file', ...rest, content };
}

/** Names are taken as latin1, so that every byte shows. */
async function snapshot(root: string): Promise<Snapshot> {
  const entries = new Map<string, Entry>();
  const visit = async (bytes: Buffer, name: string): Promise<void> => {
    const path = bytes as unknown as string;
    const entry = await readEntry(path);
    entries.set(name, entry);
    if (entry.kind !== 'directory') return;
    for (const child of await readdir(path, { encoding: 'buffer' })) {
      await visit(Buffer.concat([bytes, Buffer.from('/'), child]), join(name, child.toString('latin1')));
    }
  };
  await visit(Buffer.from(root), '.');
  return entries;
}

function describeEntry({ kind, mode, content }: Entry): string {
  if (kind === 'link') return `-> ${content}`;
  if (kind === 'directory') return `directory ${mode.toString(8)}`;
  return `${kind} ${mode.toString(8)} ${JSON.stringify(content)}`;
}

/** What is different, one line each: `+` new, `-` gone, `!` another content or mode, `t` only another time. */
function differences(before: Snapshot, after: Snapshot): string[] {
  const lines: string[] = [];
  for (const [name, now] of after) {
    const was = before.get(name);
    if (was === undefined) lines.push(`+ ${name}: ${describeEntry(now)}`);
    else if (describeEntry(was) !== describeEntry(now)) lines.push(`! ${name}: ${describeEntry(now)}`);
    else if (was.mtime !== now.mtime) lines.push(`t ${name}`);
  }
  for (const name of before.keys()) if (!after.has(name)) lines.push(`- ${name}`);
  return lines.sort();
}

/** A tree in which a client is attacked. */
export class Sandbox implements AsyncDisposable {
  readonly root: string;
  readonly work: string;
  readonly home: string;
  readonly #remove: () => Promise<void>;
  #before: Snapshot = new Map();

  private constructor(root: string, remove: () => Promise<void>) {
    this.root = root;
    this.work = join(root, 'work');
    this.home = join(root, 'home');
    this.#remove = remove;
  }

  static async create(plan: Plan = {}): Promise<Sandbox> {
    const directory = await createTempDirectory('hostile');
    const sandbox = new Sandbox(directory.path, directory.remove);
    await sandbox.#build({ ...basePlan, ...plan });
    return sandbox;
  }

  async #build(plan: Plan): Promise<void> {
    for (const [name, what] of Object.entries(plan)) {
      const path = join(this.root, name);
      await mkdir(what === '/' ? path : dirname(path), { recursive: true });
      if (what.startsWith('-> ')) await symlink(what.slice(3), path);
      else if (what !== '/') await writeFile(path, what, { mode: 0o640 });
    }
    await chmod(join(this.work, 'out'), 0o750);
    await this.settle();
  }

  /** Takes what is there now for the state that is to be kept. */
  async settle(): Promise<void> {
    const paths = [...(await snapshot(this.root)).entries()].reverse();
    for (const [name, { kind }] of paths) {
      if (kind !== 'link') await utimes(Buffer.from(join(this.root, name), 'latin1'), OLD_TIME, OLD_TIME);
    }
    this.#before = await snapshot(this.root);
  }

  /** What has become of it, one line for each difference; see {@link differences}. */
  async changes(): Promise<string[]> {
    return differences(this.#before, await snapshot(this.root));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remove();
  }
}
