import { ImageError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { Directory } from '../../files/file-system.ts';
import { shownPath } from '../../files/path.ts';
import { MAX_SIGNERS } from '../cms/signed-data.ts';
import { isKeyVersion } from '../image-text.ts';
import { keyTypes } from '../image-types.ts';
import { MAX_CERTIFICATE_BYTES } from '../x509/certificate.ts';
import { replaceDurably } from './durable-file.ts';
import { formatKeyFile, MAX_KEY_FILE_BYTES, MAX_RECORDS, parseKeyFile } from './key-file.ts';
import { type LockOptions, takeLock } from './lock.ts';
import { formatNvram, MAX_NVRAM_BYTES } from './nvram-file.ts';
import { checkPurpose, envelopeProofs, type ProofVerifier, refusePublished } from './proof-verifier.ts';
import { compareRecords, copyNames, fileNames, type KeyRecord, sha256Hex } from './records.ts';
import { formatRoot, MAX_ROOT_BYTES, type MinSigners, type RootKey } from './root-file.ts';
import { checkFolder, readTrusted } from './trusted-file.ts';

export interface InitKeyStorageOptions extends LockOptions {
  /** Default: verifies what images have. */
  readonly verifier?: ProofVerifier | undefined;
  /** Where the numbers that only grow are kept. Default: beside the keys. */
  readonly nvram?: Directory | undefined;
  /** How many keys of one version must sign an image, by type of key: for as long as the storage lasts. Default: one of each. */
  readonly minSigners?: MinSigners | undefined;
}

/**
 * Makes a key storage in an existing folder: once. The keys that it is given are the root of trust from then on, and the file that holds them is never written again.
 * The root is written last, so that a folder without one is no key storage, and making it can be tried again.
 *
 * @param keys one rollover and one production key at least, each with its own public key
 * @throws {ImageError} ERR_KEY_STORAGE where there is one already, ERR_KEY_VERSION for keys that do not go together
 * @throws {FileError}
 */
export async function initKeyStorage(
  directory: Directory,
  keys: readonly RootKey[],
  options: InitKeyStorageOptions = {},
): Promise<void> {
  const nvram = options.nvram ?? directory;
  const records = rootRecords(keys, options.verifier ?? envelopeProofs);
  checkEnough(keys, options.minSigners ?? {});
  await checkFolder(directory);
  if (nvram !== directory) await checkFolder(nvram);
  const unlock = await takeLock(directory, options);
  try {
    await checkUnused(directory);
    await checkNewNumbers(nvram);
    const root = formatRoot(keys, options.minSigners);
    const content = formatKeyFile({ generation: 1, floors: {}, records });
    if (root.length > MAX_ROOT_BYTES || content.length > MAX_KEY_FILE_BYTES)
      throw new ImageError(printable(directory.path), 'ERR_KEY_STORAGE', 'there is no room for so many keys');
    for (const copy of copyNames) await replaceDurably(directory, fileNames[copy], content, 0o644);
    const numbers = formatNvram({ generation: 1, floors: {}, counters: {}, tries: {} });
    await replaceDurably(nvram, fileNames.nvram, numbers, 0o644);
    await replaceDurably(directory, fileNames.root, root, 0o444);
  } finally {
    await unlock();
  }
}

function rootRecords(keys: readonly RootKey[], verifier: ProofVerifier): KeyRecord[] {
  const refuse = (reason: string): never => {
    throw new ImageError('', 'ERR_KEY_VERSION', reason);
  };
  for (const type of ['rollover', 'production'])
    if (!keys.some((key) => key.type === type)) refuse(`a key storage needs a ${type} key to begin with`);
  if (keys.length > MAX_RECORDS) refuse(`a key storage begins with at most ${MAX_RECORDS} keys`);
  const seen = new Set<string>();
  const records = keys.flatMap(({ type, version, certificate }): KeyRecord[] => {
    if (!isKeyVersion(version)) refuse(`the version of a ${type} key is no letter from A to Z`);
    if (certificate.length > MAX_CERTIFICATE_BYTES) refuse(`the certificate of ${type} key ${version} is too large`);
    const spki = verifier.publicKeyOf(certificate);
    checkPurpose(certificate, { type, version }, verifier);
    refusePublished(spki, { type, version });
    const name = sha256Hex(spki);
    if (seen.has(name)) refuse(`${type} key ${version} is given twice, or is another key too`);
    seen.add(name);
    if (type === 'rollover') return [];
    return [{ type, version, certificate, sha256: sha256Hex(certificate), spki, state: 'valid', proof: 'root' }];
  });
  return records.sort(compareRecords);
}

/** A storage that asks for more signers than there are keys of a version could verify nothing. */
function checkEnough(keys: readonly RootKey[], minSigners: MinSigners): void {
  for (const type of keyTypes) {
    const needed = minSigners[type] ?? 1;
    if (!Number.isInteger(needed) || needed < 1 || needed > MAX_SIGNERS)
      throw new RangeError(`minSigners of ${type}: not a number from 1 to ${MAX_SIGNERS}`);
    const versions = keys.filter((key) => key.type === type).map((key) => key.version);
    const most = Math.max(0, ...versions.map((one) => versions.filter((other) => other === one).length));
    if (most > 0 && most < needed)
      throw new ImageError(
        '',
        'ERR_KEY_VERSION',
        `${needed} ${type} keys of one version have to sign, ${most} are given`,
      );
  }
}

/** A folder that has lost its root still has keys that somebody may need, and revocations that must not be forgotten. */
async function checkUnused(directory: Directory): Promise<void> {
  const shown = printable(directory.path);
  const refuse = (reason: string, cure: string): never => {
    throw new ImageError(shown, 'ERR_KEY_STORAGE', reason, { cure });
  };
  if ((await readTrusted(directory, fileNames.root, MAX_ROOT_BYTES)) !== undefined)
    refuse('is a key storage already', 'take another folder');
  for (const copy of copyNames) {
    const name = fileNames[copy];
    const bytes = await readTrusted(directory, name, MAX_KEY_FILE_BYTES);
    if (bytes !== undefined && parseKeyFile(bytes, name).generation > 1)
      refuse(`has lost its ${fileNames.root}`, `put ${fileNames.root} back, or take another folder`);
  }
}

/** Numbers that only grow must not begin anew: another key storage, or this one before it was lost, counts on them. */
async function checkNewNumbers(nvram: Directory): Promise<void> {
  const bytes = await readTrusted(nvram, fileNames.nvram, MAX_NVRAM_BYTES);
  const unused = formatNvram({ generation: 1, floors: {}, counters: {}, tries: {} });
  if (bytes === undefined || Buffer.from(bytes).equals(unused)) return;
  const shown = printable(shownPath(nvram.path, fileNames.nvram));
  const cure = `take another folder; if nothing needs these numbers any more, remove ${shown}`;
  throw new ImageError(shown, 'ERR_KEY_STORAGE', 'has the numbers of a key storage already', { cure });
}
