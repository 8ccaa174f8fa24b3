/** What somebody may be allowed to do with a path. `write` makes what is not there yet, `overwrite` replaces or changes what is. */
export type FileOperation = 'list' | 'read' | 'write' | 'overwrite' | 'delete' | 'rename' | 'mkdir';

/** All of them. */
export const fileOperations: readonly FileOperation[] = [
  'list',
  'read',
  'write',
  'overwrite',
  'delete',
  'rename',
  'mkdir',
];
