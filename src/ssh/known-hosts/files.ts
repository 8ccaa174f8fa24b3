import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FileError } from '../../base/errors.ts';
import { hashName } from './match.ts';
import { type KnownHost, parseKnownHosts } from './parse.ts';

/** More than any fleet has; a larger file is a mistake (a device, a log). */
export const MAX_KNOWN_HOSTS_BYTES: number = 64 * 1024 * 1024;

async function readBounded(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    if ((await handle.stat()).size > MAX_KNOWN_HOSTS_BYTES) throw new FileError(file, 'read', 'EFBIG');
    return await handle.readFile('latin1');
  } finally {
    await handle.close();
  }
}

/**
 * Whether a file of RevokedHostKeys lists a key. A file that is missing or is a key revocation list of ssh-keygen, which
 * is not read here, is an error: nobody knows then what is revoked.
 *
 * @throws {FileError}
 */
export async function isRevokedKey(file: string, key: Buffer): Promise<boolean> {
  try {
    const text = await readBounded(file);
    if (text.startsWith('SSHKRL')) {
      throw new FileError(file, 'read', 'ENOTSUP', { reason: 'key revocation lists need the ssh program' });
    }
    const encoded = key.toString('base64');
    return text.split('\n').some((line) => line.trim().split(/[ \t]+/)[1] === encoded);
  } catch (error) {
    throw FileError.from(error, file, 'read');
  }
}

/**
 * Reads several known_hosts files. A file that does not exist holds nothing; one that exists and cannot be read is an
 * error, because it could hold the entry that says no.
 *
 * @throws {FileError}
 */
export async function loadKnownHosts(files: readonly string[]): Promise<KnownHost[]> {
  const entries: KnownHost[] = [];
  for (const file of files) {
    try {
      for (const entry of parseKnownHosts(await readBounded(file), file)) entries.push(entry);
    } catch (error) {
      const failure = FileError.from(error, file, 'read');
      if (failure.code !== 'ENOENT' && failure.code !== 'ENOTDIR') throw failure;
    }
  }
  return entries;
}

async function endsInsideLine(file: string): Promise<boolean> {
  const text = await readFile(file).catch((error: unknown) => {
    if (FileError.from(error, file, 'read').code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  return text.length > 0 && text.at(-1) !== 0x0a;
}

/**
 * Appends a host key with one write, so that lines of processes that do the same at the same time do not mix. Makes the
 * directory (mode 0700) and the file (0600) where they are missing.
 *
 * @param name as known_hosts has it: `host` or `[host]:port`
 * @param hash writes the name hashed, as HashKnownHosts asks for
 * @throws {FileError}
 */
export async function addKnownHost(
  file: string,
  name: string,
  type: string,
  key: Buffer,
  hash: boolean,
): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const shown = hash ? hashName(name, randomBytes(20)) : name;
    const line = `${(await endsInsideLine(file)) ? '\n' : ''}${shown} ${type} ${key.toString('base64')}\n`;
    const handle = await open(file, 'a', 0o600);
    try {
      await handle.write(Buffer.from(line, 'latin1'));
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw FileError.from(error, file, 'write');
  }
}
