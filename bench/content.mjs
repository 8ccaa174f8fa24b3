import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const FILES_A_FOLDER = 50;

/** A file of random bytes. */
export function makeFile(path, size) {
  const fd = openSync(path, 'wx');
  for (let left = size; left > 0; left -= 16 * 1024 * 1024)
    writeSync(fd, randomBytes(Math.min(left, 16 * 1024 * 1024)));
  closeSync(fd);
}

/** A tree of files of 2 KiB, 50 to a folder. */
export function makeTree(root, files) {
  for (let index = 0; index < files; index += 1) {
    const folder = join(root, `folder-${Math.floor(index / FILES_A_FOLDER)}`);
    if (index % FILES_A_FOLDER === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file-${index}`), randomBytes(2048));
  }
}

function same(program, args) {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export function sameFile(left, right) {
  return same('cmp', ['-s', left, right]);
}

export function sameTree(left, right) {
  return same('diff', ['-r', '-q', left, right]);
}
