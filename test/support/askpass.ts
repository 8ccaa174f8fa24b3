import { execFile } from 'node:child_process';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { needsPeer } from './peers.ts';
import { tempDirectory } from './temp.ts';

/** A person at a window who knows a passphrase. */
export interface Askpass {
  /** For the client. */
  readonly env: NodeJS.ProcessEnv;
  /** What was asked so far. */
  questions(): Promise<string[]>;
}

const PASSPHRASE = 'open sesame';

/** Makes a program for SSH_ASKPASS that answers every question with the passphrase, or with `answer`. */
export async function startAskpass(answer: string = PASSPHRASE): Promise<Askpass> {
  const directory = await tempDirectory('askpass');
  const [program, asked] = [join(directory, 'askpass'), join(directory, 'asked')];
  await writeFile(asked, '');
  await writeFile(program, `#!/bin/sh\nprintf '%s\\n' "$1" >> '${asked}'\necho '${answer}'\n`, { mode: 0o755 });
  return {
    env: { ...process.env, SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force', SSH_AUTH_SOCK: '' },
    questions: async () => (await readFile(asked, 'utf8')).split('\n').slice(0, -1),
  };
}

/** A copy of a private key that cannot be used without the passphrase. */
export async function encryptedKey(identityFile: string): Promise<string> {
  const key = join(await tempDirectory('key'), 'id');
  await copyFile(identityFile, key);
  await promisify(execFile)(needsPeer('ssh-keygen'), ['-q', '-p', '-P', '', '-N', PASSPHRASE, '-f', key]);
  return key;
}
