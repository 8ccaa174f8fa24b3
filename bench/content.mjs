import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, mkdirSync, openSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const PIECE = 16 * 1024 * 1024;
const SMALL = 2048;

/** A file of random bytes. */
export function makeFile(path, size) {
  const fd = openSync(path, 'wx');
  for (let left = size; left > 0; left -= PIECE) writeSync(fd, randomBytes(Math.min(left, PIECE)));
  closeSync(fd);
}

/** A file that reads as zeros and takes no room on the disk. */
export function makeSparseFile(path, size) {
  const fd = openSync(path, 'wx');
  ftruncateSync(fd, size);
  closeSync(fd);
}

/** A tree of files of 2 KiB of random bytes, evenly in so many folders. */
export function makeTree(root, files, folders) {
  const each = Math.ceil(files / folders);
  let bytes = Buffer.alloc(0);
  for (let index = 0; index < files; index += 1) {
    const folder = join(root, `folder-${Math.floor(index / each)}`);
    if (index % each === 0) mkdirSync(folder, { recursive: true });
    if (bytes.length === 0) bytes = randomBytes(SMALL * 1024);
    const fd = openSync(join(folder, `file-${index}`), 'wx');
    writeSync(fd, bytes, 0, SMALL);
    closeSync(fd);
    bytes = bytes.subarray(SMALL);
  }
}

/** @throws where the disk has less left */
export function requireRoom(directory, bytes, what) {
  const { bavail, bsize, ffree } = statfsSync(directory);
  if (bavail * bsize < bytes)
    throw new Error(`${directory}: ${what} needs ${Math.ceil(bytes / 1024 ** 3)} GiB, which are not free; set TMPDIR`);
  if (ffree > 0 && ffree < 500_000) throw new Error(`${directory}: ${what} needs 500,000 free inodes; set TMPDIR`);
}

/** Whether two files, or two trees, are the same, byte for byte. */
export function same(left, right, isTree) {
  const [program, args] = isTree ? ['diff', ['-r', '-q']] : ['cmp', ['-s']];
  return spawnSync(program, [...args, left, right], { stdio: 'ignore' }).status === 0;
}

/** rm is several times as fast as Node here. */
export function removeAll(path) {
  execFileSync('rm', ['-rf', '--', path]);
}
