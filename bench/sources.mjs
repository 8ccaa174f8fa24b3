import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makeFile, makeSparseFile, makeTree } from './content.mjs';

/** Makes what is copied, once for all jobs that ask for the same, in a folder. What was removed is made again. */
export function sourcesIn(folder) {
  const once = (name, make) => {
    const path = join(folder, name);
    if (!existsSync(path)) make(path);
    return path;
  };
  return {
    /** Random bytes. */
    file: (name, bytes) => once(`${name}-${bytes}`, (path) => makeFile(path, bytes)),
    sparse: (bytes) => once(`sparse-${bytes}`, (path) => makeSparseFile(path, bytes)),
    tree: (files, folders) => once(`tree-${files}`, (path) => makeTree(path, files, folders)),
  };
}
