import { FileError } from '../base/errors.ts';
import { shownPath } from '../files/path.ts';
import type { Place } from './target.ts';

/** A failure of the target that gave no reason, with one; any other as it is. */
export async function explained({ directory, name }: Place, error: unknown): Promise<unknown> {
  const isOfTarget = error instanceof FileError && error.path === shownPath(directory.path, name);
  return isOfTarget ? ((await directory.explain?.(name, error)) ?? error) : error;
}
