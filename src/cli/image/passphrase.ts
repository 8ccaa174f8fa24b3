import { readFile } from 'node:fs/promises';
import { FileError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { createPrompter } from '../terminal/prompter.ts';
import { askNewPassword } from '../user/password.ts';

/** More than anybody types. Bytes. */
const MAX_PASSPHRASE_BYTES = 1024;

/** What encrypts a new key. @param file whose first line it is; undefined: it is asked for @throws {TypeError} none, or two that differ */
export async function newPassphrase(file: string | undefined, key: string): Promise<string> {
  return file === undefined ? await askNewPassword(key) : await firstLine(file);
}

/** What decrypts a key. @throws {TypeError} nobody could be asked */
export async function passphraseOf(key: string, file: string | undefined): Promise<string> {
  if (file !== undefined) return await firstLine(file);
  const question = `Passphrase for ${printable(key)}: `;
  const answer = await createPrompter(process.env).ask(question, { echo: false, kind: 'secret' });
  if (answer === undefined || answer === '')
    throw new TypeError(`${printable(key)}: is encrypted, and no passphrase was given; --passphrase-file FILE has one`);
  return answer;
}

async function firstLine(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw FileError.from(cause, path, 'open');
  });
  const line = text.split(/\r?\n/)[0] ?? '';
  if (line === '') throw new TypeError(`${printable(path)}: its first line is empty, and should be the passphrase`);
  if (Buffer.byteLength(line) > MAX_PASSPHRASE_BYTES)
    throw new TypeError(`${printable(path)}: its first line is longer than ${MAX_PASSPHRASE_BYTES} bytes`);
  return line;
}
