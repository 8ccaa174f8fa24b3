import { spawn } from 'node:child_process';
import { osPath } from '../../base/byte-name.ts';
import { FileError } from '../../base/errors.ts';

/**
 * Copies between two local names with the system's cp(1), as scp does.
 *
 * @returns whether cp succeeded; it has told its own errors.
 * @throws {FileError} where cp cannot be started.
 */
export async function copyLocally(
  source: string,
  target: string,
  options: { readonly recursive: boolean; readonly preserve: boolean; readonly signal: AbortSignal },
): Promise<boolean> {
  const args = [...(options.recursive ? ['-r'] : []), ...(options.preserve ? ['-p'] : []), '--', source, target];
  for (const path of [source, target]) {
    if (typeof osPath(path) !== 'string') {
      throw new FileError(path, 'copy', 'EINVAL', { reason: 'a name that is not UTF-8 cannot be handed to cp' });
    }
  }
  return await new Promise((resolve, reject) => {
    const child = spawn('cp', args, { stdio: 'inherit', signal: options.signal });
    child.once('error', (cause) => reject(FileError.from(cause, 'cp', 'start')));
    child.once('exit', (code) => resolve(code === 0));
  });
}
