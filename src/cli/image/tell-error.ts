import { ImageError } from '../../base/errors.ts';
import type { Reporter } from '../report.ts';

/** An error, and for scripts its code, which stays the same when words change. */
export function tellError(reporter: Reporter, error: unknown): void {
  reporter.error(error);
  if (error instanceof ImageError) reporter.notice(`error code ${error.code}`);
}
