import { FileError } from '../base/errors.ts';

/** The same error under the name that the person knows; any error that is not about one file comes back as it is. */
export function renamed(error: unknown, path: string, operation: string): unknown {
  if (!(error instanceof FileError)) return error;
  if (error.path === path && error.operation === operation) return error;
  return new FileError(path, operation, error.code, { cause: error, reason: error.reason });
}

/** Waits for work of the session, whose errors name the path of the wire, and names what the person knows instead. */
export async function named<T>(path: string, operation: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw renamed(error, path, operation);
  }
}
