import { FileError } from '../base/errors.ts';
import { fitsWire } from './attributes.ts';

/**
 * Version 3 has times in uint32. Setting the nearest one that fits would pass for the right one.
 *
 * @throws {FileError} EOVERFLOW
 */
export function requireWireTimes(
  path: string,
  { atimeSeconds, mtimeSeconds }: { readonly atimeSeconds: number; readonly mtimeSeconds: number },
): void {
  if (fitsWire(atimeSeconds) && fitsWire(mtimeSeconds)) return;
  const reason = 'SFTP has no times before 1970 and after 2106';
  throw new FileError(path, 'set times', 'EOVERFLOW', { reason });
}
