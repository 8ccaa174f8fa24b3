import { printable } from '../base/printable.ts';

/** The longest name of a user or a group, in bytes. */
export const MAX_NAME_BYTES = 128;

/** Checks a name of a user or a group. @throws {TypeError} */
export function checkName(name: string, what: 'user' | 'group'): void {
  if (name === '' || name.includes('\ufffd') || printable(name) !== name)
    throw new TypeError(`${what} ${JSON.stringify(name)}: a name is not empty and has printable characters only`);
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw new TypeError(`${what} ${name.slice(0, 32)}…: a name has at most ${MAX_NAME_BYTES} bytes`);
}
