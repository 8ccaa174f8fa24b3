import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { FileError } from '../base/errors.ts';
import { fingerprint } from '../ssh/known-hosts/fingerprint.ts';
import type { ParsedKey } from './ssh2-shapes.ts';

/** A key that a server proves itself with. */
export interface HostKey {
  readonly type: 'ssh-ed25519' | 'ssh-rsa';
  readonly key: ParsedKey;
  /** `SHA256:…`, what clients show at the first connection. */
  readonly fingerprint: string;
}

const kinds = [
  { type: 'ssh-ed25519', file: 'ssh_host_ed25519_key', make: () => makeKey('ed25519') },
  { type: 'ssh-rsa', file: 'ssh_host_rsa_key', make: () => makeKey('rsa') },
] as const;

/** What NIST asks for until 2030 and beyond. */
const RSA_BITS = 3072;

/** No key file is longer. Bytes. */
const MAX_KEY_FILE_BYTES = 64 * 1024;

/**
 * Reads the host keys of a state folder; those that are missing are made (ed25519, and RSA of 3,072 bits for old clients), so that a server keeps its identity from its first start on. The folder
 * is made with mode 0700, the files with 0600, in the format of OpenSSH.
 *
 * @returns the keys, and the files that were made
 * @throws {FileError} for a file that cannot be read or written, that others can read, or that holds no such key. It is never overwritten.
 */
export async function loadHostKeys(
  folder: string,
): Promise<{ readonly keys: readonly HostKey[]; readonly made: readonly string[] }> {
  await attempt(folder, 'mkdir', () => fs.mkdir(folder, { recursive: true, mode: 0o700 }));
  const made: string[] = [];
  const keys: HostKey[] = [];
  for (const kind of kinds) {
    const path = join(folder, kind.file);
    let text = await readKeyFile(path);
    if (text === undefined) {
      const fresh = await kind.make();
      // Another process may have been faster: then its key is the one.
      if (await writeOnce(folder, path, fresh)) made.push(path);
      text = (await readKeyFile(path)) ?? fresh;
    }
    keys.push(parse(path, kind.type, text));
  }
  return { keys, made };
}

/**
 * Reads host keys from files of the operator's own. None is made.
 *
 * @throws {FileError} for a file that cannot be read, that others can read, or that holds no unencrypted ed25519 or RSA key
 */
export async function readHostKeys(paths: readonly string[]): Promise<readonly HostKey[]> {
  const keys: HostKey[] = [];
  for (const path of paths) {
    const text = await readKeyFile(path);
    if (text === undefined) throw new FileError(path, 'open', 'ENOENT');
    keys.push(parse(path, undefined, text));
  }
  return keys;
}

/** ssh2 1.17 writes about one ed25519 key in 128 wrongly: where a half begins with a zero byte, the byte is left out. So many are made at most to get a good one. */
const MAX_ATTEMPTS = 20;

/** A new private key in the format of OpenSSH. */
async function makeKey(type: 'ed25519' | 'rsa'): Promise<string> {
  for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
    const text = await generate(type);
    const key = ssh2.utils.parseKey(text);
    const proof = Buffer.from('proof');
    if (!(key instanceof Error) && key.verify(proof, key.sign(proof)) === true) return text;
  }
  throw new Error(`no usable ${type} key could be made`);
}

function generate(type: 'ed25519' | 'rsa'): Promise<string> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, keys: { readonly private: string }): void => {
      if (error) reject(error);
      else resolve(keys.private);
    };
    if (type === 'rsa') ssh2.utils.generateKeyPair('rsa', { bits: RSA_BITS }, done);
    else ssh2.utils.generateKeyPair('ed25519', done);
  });
}

async function attempt<T>(path: string, operation: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw FileError.from(cause, path, operation);
  }
}

/** The content of a key file, or undefined where there is none. */
async function readKeyFile(path: string): Promise<string | undefined> {
  let handle: fs.FileHandle;
  try {
    handle = await fs.open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const error = FileError.from(cause, path, 'open');
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new FileError(path, 'open', 'ERR_NOT_REGULAR_FILE');
    if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) {
      throw new FileError(path, 'open', 'ERR_CONFIG', {
        reason: `others can use this host key (mode ${(stats.mode & 0o777).toString(8).padStart(4, '0')})`,
        cure: `if nobody has read it: chmod 600 ${path}; otherwise remove it and a new one is made, which clients will have to learn`,
      });
    }
    if (stats.size > MAX_KEY_FILE_BYTES) throw broken(path);
    return await attempt(path, 'read', () => handle.readFile('utf8'));
  } finally {
    await handle.close();
  }
}

/** @param type undefined takes either */
function parse(path: string, type: HostKey['type'] | undefined, text: string): HostKey {
  const parsed = ssh2.utils.parseKey(text);
  const key = Array.isArray(parsed) ? (parsed as ParsedKey[])[0] : parsed;
  if (key === undefined || key instanceof Error || !key.isPrivateKey()) throw broken(path);
  const found = kinds.find((kind) => kind.type === key.type)?.type;
  if (found === undefined || (type !== undefined && found !== type)) throw broken(path);
  return { type: found, key, fingerprint: fingerprint(key.getPublicSSH()) };
}

function broken(path: string): FileError {
  return new FileError(path, 'read', 'ERR_CONFIG', {
    reason: 'is not an unencrypted private key of the expected type',
    cure: 'restore it from a backup; or remove it and a new one is made, which clients will have to learn',
  });
}

/** Puts the text at a path that is free: whole or not at all. False where the path is taken. */
async function writeOnce(folder: string, path: string, text: string): Promise<boolean> {
  const partial = `${path}.${randomBytes(6).toString('hex')}`;
  return await attempt(path, 'write', async () => {
    const handle = await fs.open(partial, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    try {
      // link(2), unlike rename(2), never replaces a file.
      await fs.link(partial, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      await fs.unlink(partial);
    }
    await syncFolder(folder);
    return true;
  });
}

async function syncFolder(folder: string): Promise<void> {
  // Not every platform can open a folder; the key is only remade then if the machine fails at once.
  const handle = await fs.open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

/** The keys in the form ssh2's server takes. It would offer an RSA key under `ssh-rsa` (SHA-1) whatever the list says, so each RSA algorithm gets a key of its own name. */
export function toSsh2HostKeys(keys: readonly HostKey[]): { key: ParsedKey }[] {
  return keys.flatMap(({ type, key }) => {
    const names = type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type];
    return names.map((name) => ({ key: Object.create(key, { type: { value: name, enumerable: true } }) as ParsedKey }));
  });
}

/** As {@link toSsh2HostKeys}, with the RSA key under `ssh-rsa` too, last. */
export function toLegacyHostKeys(keys: readonly HostKey[]): { key: ParsedKey }[] {
  return keys.map(({ key }) => ({ key }));
}
