import { spawn } from 'node:child_process';
import { FileError } from '../../base/errors.ts';
import { spawnable } from '../../base/spawnable.ts';

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
  const command = spawnable('cp', args);
  return await new Promise((resolve, reject) => {
    const child = spawn(command.program, command.args, { stdio: 'inherit', signal: options.signal });
    child.once('error', (cause) => reject(FileError.from(cause, 'cp', 'start')));
    child.once('exit', (code) => resolve(code === 0));
  });
}
