import { MAX_PASSWORD_BYTES } from '../../aaa/password-checker.ts';
import { printable } from '../../base/printable.ts';
import { createPrompter } from '../terminal/prompter.ts';

/** Longer input is no list of users. Bytes. */
const MAX_INPUT_BYTES = 16 * 1024 * 1024;

/**
 * A new password: typed twice on the terminal without echo, or the first line of standard input where that is no terminal. Never from the command line, which everybody on the machine can see.
 *
 * @throws {TypeError} for none, one that is too long, or two that differ
 */
export async function askNewPassword(user: string | undefined): Promise<string> {
  const password = process.stdin.isTTY ? await typeTwice(user) : await readFirstLine();
  if (password === '') throw new TypeError('the password is empty');
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES)
    throw new TypeError(`the password is longer than ${MAX_PASSWORD_BYTES} bytes`);
  return password;
}

async function typeTwice(user: string | undefined): Promise<string> {
  const prompter = createPrompter(process.env);
  const whose = user === undefined ? '' : ` for ${printable(user)}`;
  const options = { echo: false, kind: 'secret' } as const;
  const first = await prompter.ask(`New password${whose}: `, options);
  if (first === undefined) throw new TypeError('no password was given');
  if ((await prompter.ask('Once more: ', options)) !== first) throw new TypeError('the two are not the same');
  return first;
}

/** All of standard input, as text. @throws {TypeError} where it is too long */
export async function readInput(): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of process.stdin as AsyncIterable<Buffer>) {
    parts.push(part);
    length += part.length;
    if (length > MAX_INPUT_BYTES) throw new TypeError('the input is too long');
  }
  return Buffer.concat(parts).toString('utf8');
}

async function readFirstLine(): Promise<string> {
  const text = await readInput();
  return text.split(/\r?\n/)[0] ?? '';
}
