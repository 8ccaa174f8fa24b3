import { createHash } from 'node:crypto';
import { chmod, mkdir, open, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** How much the tree of the demonstration holds. */
export interface TreeSize {
  readonly smallFiles: number;
  readonly bigFileBytes: number;
  /** How many folders lie in each other. */
  readonly depth: number;
}

export const DEMO_TREE: TreeSize = { smallFiles: 1000, bigFileBytes: 256 * 1024 * 1024, depth: 24 };

/** Names that careless programs trip over. */
const oddNames: readonly string[] = [
  'two words.txt',
  '  spaces at both ends ',
  "it's quoted.txt",
  'double "quotes".txt',
  '-rf',
  '--help',
  'new\nline.txt',
  'tab\there.txt',
  'back\\slash.txt',
  'star*question?.txt',
  '[brackets]{braces}.txt',
  '$HOME `date` ;&|.txt',
  '#hash ~tilde !bang.txt',
  'colon:inside.txt',
  '.hidden',
  'naïve café.txt',
  '日本語のファイル.txt',
  'Ελληνικά и русский.txt',
  'emoji 🚢⚓.txt',
  `${'long'.repeat(60)}.txt`,
];

const modes: readonly number[] = [0o644, 0o600, 0o755, 0o444, 0o640, 0o700];

/** Makes the tree below `root`, which must not exist. Names, sizes, modes and times are the same every time. */
export async function makeTree(root: string, size: TreeSize): Promise<void> {
  await makeSmallFiles(root, size.smallFiles);
  await makeDeepFolders(join(root, 'deep'), size.depth);
  await makeOddNames(join(root, 'odd names'));
  await makeBigFile(join(root, 'big.bin'), size.bigFileBytes);
  await mkdir(join(root, 'empty folder'), 0o750);
  await chmod(join(root, 'deep'), 0o700);
  for (const folder of ['small', 'deep', 'odd names', 'empty folder', '.'])
    await utimes(join(root, folder), 1_600_000_000, 1_500_000_000);
}

/** Deterministic bytes that do not compress. */
function content(seed: string, length: number): Buffer {
  const block = createHash('sha256').update(seed).digest();
  const bytes = Buffer.alloc(length);
  for (let at = 0, turn = 0; at < length; at += block.length, turn++) {
    block.writeUInt32LE(turn, 0);
    block.copy(bytes, at);
  }
  return bytes;
}

async function makeFile(path: string, bytes: Buffer, index: number): Promise<void> {
  await writeFile(path, bytes, { flag: 'wx' });
  await chmod(path, modes[index % modes.length] as number);
  await utimes(path, 1_650_000_000 + index, 1_400_000_000 + index * 1009);
}

async function makeSmallFiles(root: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const path = join(
      root,
      'small',
      `folder-${String(i % 40).padStart(2, '0')}`,
      `file-${String(i).padStart(4, '0')}.dat`,
    );
    if (i < 40) await mkdir(dirname(path), { recursive: true });
    await makeFile(path, content(path.slice(root.length), (i * 37) % 6000), i);
  }
}

async function makeDeepFolders(top: string, depth: number): Promise<void> {
  let folder = top;
  for (let level = 1; level <= depth; level++) {
    await mkdir(folder, { recursive: true });
    await makeFile(join(folder, `level ${level}.txt`), Buffer.from(`this is level ${level}\n`), level);
    folder = join(folder, `level-${level}`);
  }
}

async function makeOddNames(folder: string): Promise<void> {
  await mkdir(folder);
  for (const [index, name] of oddNames.entries()) await makeFile(join(folder, name), Buffer.from(`${name}\n`), index);
  // A name that is not UTF-8, as old archives hold; macOS and Windows do not take it.
  if (process.platform === 'linux') await makeRawName(folder);
}

async function makeRawName(folder: string): Promise<void> {
  const path = Buffer.concat([Buffer.from(`${folder}/latin1 caf`), Buffer.of(0xe9), Buffer.from('.txt')]);
  await writeFile(path, 'not UTF-8\n', { flag: 'wx' });
  await chmod(path, 0o644);
  await utimes(path, 1_650_000_000, 1_400_000_000);
}

async function makeBigFile(path: string, length: number): Promise<void> {
  const block = content('big', 1024 * 1024);
  const file = await open(path, 'wx', 0o640);
  try {
    for (let at = 0; at < length; at += block.length) {
      block.writeUInt32LE(at / block.length, 0);
      await file.write(block, 0, Math.min(block.length, length - at), at);
    }
    await file.utimes(1_700_000_000, 1_700_000_001);
  } finally {
    await file.close();
  }
}
