import { ImageError } from '../../base/errors.ts';
import type { BundledKey, VerifiedImage } from '../types.ts';
import { MAX_CERTIFICATE_BYTES } from '../x509/certificate.ts';
import type { KeyObserver, PlatformProfile } from './events.ts';
import { MAX_GENERATION, MAX_RECORDS } from './key-file.ts';
import type { StorageState } from './merge.ts';
import { introductions, verifyIntroduction } from './proof.ts';
import { checkPurpose, type ProvenEnvelope, refusePublished } from './proof-verifier.ts';
import {
  type ChangeableType,
  type CopyName,
  compareRecords,
  copyNames,
  highestFloors,
  type KeyRecord,
  recordId,
  sha256Hex,
} from './records.ts';
import type { KeyStorage } from './storage.ts';

/** What brings keys: an image whose payload was verified too, so that it is known to be whole. */
export type KeyBringer = Pick<VerifiedImage, 'info' | 'envelope' | 'bundledCertificates'>;

export interface KeyCommandOptions {
  readonly observer?: KeyObserver | undefined;
  /** Default: keys can be added and revoked. */
  readonly profile?: PlatformProfile | undefined;
}

/** What a key command has done. */
export interface KeyChange {
  /** False where everything was as it was to be. */
  readonly changed: boolean;
  /** The version that was added, or below which was revoked. */
  readonly version: string;
}

/** @throws {ImageError} on a platform that has no key commands */
export function checkProfile({ profile }: KeyCommandOptions): void {
  if (profile?.keyRevocation === false)
    throw new ImageError('', 'ERR_IMAGE_POLICY', 'this platform has no key revocation and replacement');
}

/**
 * Adds the keys of a type that an image brings: production keys from a revocation image, special keys from a production image. What is there already is left as it is, so a command that was interrupted can be run again.
 *
 * @param storage open for changes. A storage in recovery takes production keys only, and takes no lower version from then on
 * @param from the image that runs, or in whose name the command is given. Its envelope is verified once more
 * @throws {ImageError} ERR_KEY_WRONG_IMAGE, ERR_KEY_NOT_BUNDLED, ERR_KEY_VERSION, ERR_KEY_PROOF: nothing was changed. ERR_KEY_STORAGE: a write failed, run it again
 */
export async function addKeys(
  storage: KeyStorage,
  type: ChangeableType,
  from: KeyBringer,
  options: KeyCommandOptions = {},
): Promise<KeyChange> {
  checkProfile(options);
  const observe = options.observer ?? (() => {});
  const wanted = introductions[type].image;
  if (from.info.type !== wanted) {
    const reason = `cannot add ${type} key: running image is a ${from.info.type} image (${wanted} image required)`;
    throw new ImageError('', 'ERR_KEY_WRONG_IMAGE', reason);
  }
  observe({ event: 'validating-running-image' });
  const proven = await verifyIntroduction(from.envelope, type, storage, storage.verifier);
  observe({ event: 'validating-new-key', type });
  const added = readBundled(type, proven.info.bundledKeys, from, storage);
  const version = (added[0] as KeyRecord).version;
  const state = withAdded(storage, type, await changedRecords(storage, type, added, newestSigner(proven)));
  const changed = await writeAdded(storage, state, added, observe);
  observe({ event: changed ? 'done' : 'no-change' });
  return { changed, version };
}

/** The new records, each checked. @throws {ImageError} */
function readBundled(
  type: ChangeableType,
  bundled: readonly BundledKey[],
  from: KeyBringer,
  storage: KeyStorage,
): readonly KeyRecord[] {
  const keys = bundled.filter((key) => key.type === type);
  if (keys.length === 0) throw new ImageError('', 'ERR_KEY_NOT_BUNDLED', `the image brings no ${type} key`);
  const certificates = new Map(from.bundledCertificates.map((one) => [sha256Hex(one), one]));
  const records = keys.map(({ version, sha256 }): KeyRecord => {
    const certificate = certificates.get(sha256);
    if (certificate === undefined || certificate.length > MAX_CERTIFICATE_BYTES)
      throw new ImageError('', 'ERR_KEY_PROOF', `the image does not hold the certificate of ${type} key ${version}`);
    const spki = storage.verifier.publicKeyOf(certificate);
    checkPurpose(certificate, { type, version }, storage.verifier);
    refusePublished(spki, { type, version });
    return { type, version, certificate, sha256, spki, state: 'valid', proof: from.envelope };
  });
  const version = checkOneVersion(type, records);
  checkVersion(type, version, storage);
  const needed = storage.minSigners(type);
  if (records.length < needed) {
    const reason = `cannot add ${type} key version ${version}: ${needed} keys have to sign, the image brings ${records.length}`;
    throw new ImageError('', 'ERR_KEY_VERSION', reason);
  }
  for (const record of records) checkFresh(record, storage);
  return records;
}

function checkOneVersion(type: ChangeableType, records: readonly KeyRecord[]): string {
  const version = (records[0] as KeyRecord).version;
  if (records.every((record) => record.version === version)) return version;
  throw new ImageError('', 'ERR_KEY_VERSION', `the image brings ${type} keys of several versions`);
}

function checkVersion(type: ChangeableType, version: string, storage: KeyStorage): void {
  const floor = storage.floor(type);
  const newest = storage.newest(type);
  const refuse = (reason: string): never => {
    throw new ImageError('', 'ERR_KEY_VERSION', `cannot add ${type} key version ${version}: ${reason}`);
  };
  if (floor !== undefined && version < floor) refuse(`versions below ${floor} are revoked`);
  if (newest !== undefined && version < newest) refuse(`version ${newest} is in the storage already`);
}

/** A version is closed, and a key has one name for ever: a revoked key must not come back under another letter. */
function checkFresh(record: KeyRecord, storage: KeyStorage): void {
  const { type, version, spki } = record;
  const refuse = (reason: string): never => {
    throw new ImageError('', 'ERR_KEY_VERSION', `cannot add ${type} key version ${version}: ${reason}`);
  };
  const known = [...storage.state.records, ...storage.state.unchecked];
  const same = known.find((one) => recordId(one) === recordId(record));
  if (same?.state === 'revoked') refuse('it is revoked');
  if (same !== undefined) return;
  if (known.some((one) => one.type === type && one.version === version)) refuse('this version is another key already');
  const isSameKey = (other: Uint8Array): boolean => Buffer.from(other).equals(spki);
  const roots = storage.root.keys.filter((root) => isSameKey(keyOfRoot(root.certificate, storage)));
  // A root key that got lost may come back as what it was.
  const twin = [...known.filter((one) => isSameKey(one.spki)), ...roots].find(
    (one) => one.type !== type || one.version !== version,
  );
  if (twin !== undefined) refuse(`it is the key of ${twin.type} version ${twin.version}`);
}

/** Empty where the algorithm of the key is not known here. */
function keyOfRoot(certificate: Uint8Array, { verifier }: KeyStorage): Uint8Array {
  try {
    return verifier.publicKeyOf(certificate);
  } catch (error) {
    if (error instanceof ImageError) return new Uint8Array();
    throw error;
  }
}

/** The version by which a proof holds longest: that of its first signer. */
function newestSigner({ signers }: ProvenEnvelope): string {
  return signers[0]?.key.version ?? '';
}

/**
 * Those that are new, and special keys that are there already for which a newer production key vouches now: they outlive the revocation of the older one.
 *
 * @param signer the newest version that has signed the image
 */
async function changedRecords(
  storage: KeyStorage,
  type: ChangeableType,
  added: readonly KeyRecord[],
  signer: string,
): Promise<readonly KeyRecord[]> {
  const known = new Map(storage.state.records.map((record) => [recordId(record), record]));
  const changed: KeyRecord[] = [];
  for (const record of added) {
    const proof = known.get(recordId(record))?.proof;
    if (proof === undefined) changed.push(record);
    else if (type === 'special' && proof !== 'root') {
      const before = await verifyIntroduction(proof, type, storage, storage.verifier);
      if (signer > newestSigner(before)) changed.push(record);
    }
  }
  return changed;
}

function withAdded(storage: KeyStorage, type: ChangeableType, changed: readonly KeyRecord[]): StorageState {
  const { state } = storage;
  if (changed.length === 0) return state;
  const ids = new Set(changed.map(recordId));
  const records = [...state.records.filter((one) => !ids.has(recordId(one))), ...changed].sort(compareRecords);
  if (records.length + state.unchecked.length > MAX_RECORDS || state.generation >= MAX_GENERATION)
    throw new ImageError(storage.path, 'ERR_KEY_STORAGE', 'there is no room for more keys');
  // What was revoked before the storage was lost is not known any more: everything older is.
  const version = (changed[0] as KeyRecord).version;
  const floors = storage.isRecovery ? highestFloors(state.floors, { [type]: version }) : state.floors;
  return { ...state, generation: state.generation + 1, floors, records };
}

/** Writes what is missing where it is missing, Primary first. @returns whether anything was written */
async function writeAdded(
  storage: KeyStorage,
  state: StorageState,
  added: readonly KeyRecord[],
  observe: KeyObserver,
): Promise<boolean> {
  const version = (added[0] as KeyRecord).version;
  let changed = false;
  for (const copy of copyNames) {
    observe({ event: 'adding', copy });
    observe({ event: 'checking-for-duplicates' });
    if (added.every((record) => storage.isFound(copy, record))) {
      observe({ event: 'already-present', copy, version });
      if (state === storage.state) continue;
    }
    changed = true;
    await writeCopy(storage, copy, state, observe);
    observe({ event: 'written', outcome: 'success' });
  }
  if (state !== storage.state) await finish(storage, state, observe);
  return changed;
}

async function writeCopy(
  storage: KeyStorage,
  copy: CopyName,
  state: StorageState,
  observe: KeyObserver,
): Promise<void> {
  try {
    await storage.writeCopy(copy, state);
  } catch (error) {
    observe({ event: 'written', outcome: 'failed' });
    observe({ event: 'not-updated', copy });
    throw error;
  }
}

/** The last step of a change: the numbers that only grow. */
export async function finish(storage: KeyStorage, state: StorageState, observe: KeyObserver): Promise<void> {
  try {
    await storage.adopt(state);
  } catch (error) {
    observe({ event: 'not-updated', copy: 'nvram' });
    throw error;
  }
}
