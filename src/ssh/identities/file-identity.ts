import { FileError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { blobType } from '../known-hosts/fingerprint.ts';
import type { Identity, IdentityContext } from './identity.ts';
import type { IdentityFile } from './identity-file.ts';
import { parsePrivateKey } from './parse-private-key.ts';
import type { PrivateKey } from './private-key.ts';

/** How often a passphrase is asked for. */
export const MAX_PASSPHRASE_TRIES = 3;

/** What came of opening a key: an encrypted one may tell its public half. */
type Opened = { readonly key: PrivateKey } | { readonly locked: true; readonly publicBlob: Buffer | undefined };

async function openKey(file: IdentityFile & { data: Buffer }): Promise<Opened> {
  const result = await parsePrivateKey(file.data);
  if (result.kind === 'key') return { key: result.key };
  if (result.kind === 'encrypted') return { locked: true, publicBlob: result.publicBlob };
  const reason = result.kind === 'unusable' ? result.reason : result.kind;
  throw new FileError(file.path, 'read', 'ERR_CONFIG', { reason: printable(reason) });
}

async function unlock(file: IdentityFile & { data: Buffer }, context: IdentityContext): Promise<PrivateKey> {
  const path = printable(file.path);
  for (let attempt = 1; attempt <= MAX_PASSPHRASE_TRIES; attempt++) {
    const question =
      attempt === 1 ? `Enter passphrase for key '${path}': ` : `Wrong passphrase. Passphrase for key '${path}': `;
    const options = { echo: false, kind: 'secret' as const, ...(context.signal && { signal: context.signal }) };
    const passphrase = await context.prompter?.ask(question, options);
    // An empty answer passes the key over, as in OpenSSH.
    if (passphrase === undefined || passphrase === '') break;
    const result = await parsePrivateKey(file.data, passphrase);
    if (result.kind === 'key') return result.key;
    if (result.kind === 'unusable') {
      throw new FileError(file.path, 'read', 'ERR_CONFIG', { reason: printable(result.reason) });
    }
  }
  throw new FileError(file.path, 'read', 'ERR_AUTHENTICATION', { reason: 'no right passphrase was given' });
}

function ofKey(key: PrivateKey, label: string): Identity {
  return { label, type: key.type, publicBlob: key.publicBlob, sign: async (data, hash) => key.sign(data, hash) };
}

function tellUnused(error: unknown, context: IdentityContext): undefined {
  context.signal?.throwIfAborted();
  const reason = printable(error instanceof Error ? error.message : String(error));
  context.prompter?.tell(`key not used: ${reason}`);
  context.log.debug(1, `key not used: ${reason}`);
}

/**
 * Makes an identity of a file. An encrypted key whose public half is known is opened only for signing.
 *
 * @returns `locked` where even the public half takes a passphrase: {@link unlockedIdentity} asks for it; undefined where
 * the key cannot be used, and the reason is told
 */
export async function fileIdentity(
  file: IdentityFile,
  context: IdentityContext,
): Promise<Identity | 'locked' | undefined> {
  const { data } = file;
  if (data === undefined) return undefined;
  const label = printable(file.path);
  try {
    const opened = await openKey({ ...file, data });
    if ('key' in opened) return ofKey(opened.key, label);
    const publicBlob = opened.publicBlob ?? file.publicBlob;
    const type = publicBlob && blobType(publicBlob);
    if (publicBlob === undefined || type === undefined) return 'locked';
    let key: PrivateKey | undefined;
    return {
      label,
      type,
      publicBlob,
      async sign(bytes, hash) {
        key ??= await unlock({ ...file, data }, context);
        if (key.publicBlob.equals(publicBlob)) return key.sign(bytes, hash);
        throw new FileError(file.path, 'read', 'ERR_CONFIG', {
          reason: 'the .pub file beside it belongs to another key',
        });
      },
    };
  } catch (error) {
    return tellUnused(error, context);
  }
}

/** Makes an identity of a key that {@link fileIdentity} found locked, after asking for its passphrase. */
export async function unlockedIdentity(file: IdentityFile, context: IdentityContext): Promise<Identity | undefined> {
  const { data } = file;
  if (data === undefined || context.prompter === undefined) return undefined;
  try {
    return ofKey(await unlock({ ...file, data }, context), printable(file.path));
  } catch (error) {
    return tellUnused(error, context);
  }
}
