import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A directory whose owner removes it. */
export interface OwnedDirectory extends AsyncDisposable {
  readonly path: string;
  /** Removes the directory and all that is in it. Idempotent. */
  remove(): Promise<void>;
}

/**
 * Makes an empty directory that the caller removes, for `beforeAll` and for what outlives one test. The path is short
 * enough for a Unix socket and has no symbolic link in it.
 */
export async function createTempDirectory(label = 'test'): Promise<OwnedDirectory> {
  const path = await realpath(await mkdtemp(join(tmpdir(), `sealift-${label}-`)));
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 3 });
  return { path, remove, [Symbol.asyncDispose]: remove };
}

/** Makes an empty directory that is removed when the running test has finished. Callable only inside a test. */
export async function tempDirectory(label = 'test'): Promise<string> {
  const directory = await createTempDirectory(label);
  onTestFinished(directory.remove);
  return directory.path;
}
