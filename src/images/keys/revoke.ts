import { ImageError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { checkProfile, finish, type KeyChange, type KeyCommandOptions } from './add.ts';
import type { KeyObserver } from './events.ts';
import type { DeviceContext, ImageInUse } from './in-use.ts';
import { MAX_GENERATION } from './key-file.ts';
import type { StorageState } from './merge.ts';
import { judgeRecords } from './proof.ts';
import { type ChangeableType, type CopyName, copyNames, highestFloors, type KeyRecord, recordId } from './records.ts';
import type { KeyStorage } from './storage.ts';

/**
 * Revokes all keys of a type that are older than the newest one in the storage, for ever. What is revoked already is left as it is, so a command that was interrupted can be run again.
 *
 * @param storage open for changes
 * @param context what is known of the device; what still needs an old key keeps it from being revoked
 * @throws {ImageError} ERR_KEY_WRONG_IMAGE, ERR_KEY_NO_NEWER, ERR_KEY_IN_USE: nothing was changed. ERR_KEY_STORAGE: a write failed, run it again
 */
export async function revokeKeys(
  storage: KeyStorage,
  type: ChangeableType,
  context: DeviceContext = {},
  options: KeyCommandOptions = {},
): Promise<KeyChange> {
  checkProfile(options);
  const observe = options.observer ?? (() => {});
  const { running, rommon } = context;
  if (running !== undefined && running.type !== 'production') {
    const reason = `cannot revoke ${type} key: running image is a ${running.type} image (production image required)`;
    throw new ImageError('', 'ERR_KEY_WRONG_IMAGE', reason);
  }
  observe({ event: 'finding-new-key', type });
  const version = findNewest(storage, type);
  if (running !== undefined) observe({ event: 'validating-running-image' });
  checkReload(type, context);
  checkInUse(storage, type, version, 'running image', running);
  observe({ event: 'revoking-below', version });
  checkInUse(storage, type, version, 'autoboot image', context.autoboot);
  if (rommon !== undefined) observe({ event: 'validating-rommon' });
  checkInUse(storage, type, version, 'upgradable ROMmon', rommon);
  const state = await withRevoked(storage, type, version);
  const changed = await writeRevoked(storage, state, { type, version }, observe);
  const lost = lostProofs(storage.state, state);
  if (state !== storage.state) await finish(storage, state, observe);
  for (const one of lost) observe({ event: 'lost-proof', version: one });
  observe({ event: changed ? 'done' : 'no-change' });
  const special = type === 'special' ? rommon?.signedWith.find((key) => key.type === 'special') : undefined;
  if (special !== undefined) observe({ event: 'special-rommon', version: special.version });
  return { changed, version };
}

/** The version that stays. @throws {ImageError} ERR_KEY_NO_NEWER where there is none that could take the place of an older one */
function findNewest(storage: KeyStorage, type: ChangeableType): string {
  const version = storage.newest(type);
  const isNewer = (newest: string): boolean =>
    storage.floor(type) === newest ||
    storage.state.records.some((record) => record.type === type && record.version < newest);
  if (version !== undefined && isNewer(version)) return version;
  const image = type === 'production' ? 'a revocation image' : 'a production image';
  throw new ImageError('', 'ERR_KEY_NO_NEWER', `cannot revoke: no newer ${type} key in storage`, {
    cure: `add the new ${type} key from ${image} first`,
  });
}

function checkReload(type: ChangeableType, { isReloadScheduled, wasWarmReload }: DeviceContext): void {
  const refuse = (reason: string, cure: string): never => {
    throw new ImageError('', 'ERR_KEY_IN_USE', `cannot revoke ${type} key: ${reason}`, { cure });
  };
  if (isReloadScheduled === true)
    refuse('a reload is scheduled and has not happened yet', 'wait for the reload, or cancel it');
  if (wasWarmReload === true) refuse('the running image was started by a warm reload', 'reload without warm');
}

const remedies: Readonly<Record<string, (type: string, version: string) => string>> = {
  'running image': (type, version) => `reload an image signed with ${type} key version ${version}`,
  'autoboot image': (type, version) =>
    `copy an image signed with ${type} key version ${version} and change boot system`,
  'upgradable ROMmon': (type, version) =>
    `upgrade rom-monitor file <url of a ROMmon signed with ${type} key version ${version}>`,
};

/** @throws {ImageError} ERR_KEY_IN_USE where no key that stays valid has signed the image */
function checkInUse(
  storage: KeyStorage,
  type: ChangeableType,
  version: string,
  what: string,
  image: ImageInUse | undefined,
): void {
  if (image === undefined) return;
  const stays = image.signedWith.some(
    (key) => (key.type !== type || key.version >= version) && isValid(storage, key.type, key.version),
  );
  if (stays) return;
  const old = image.signedWith.find((key) => key.type === type && key.version < version)?.version;
  const shown = what === 'running image' ? what : `${what} ${printable(image.name)}`;
  const reason =
    old === undefined
      ? `cannot revoke ${type} key: no valid key verifies the ${shown}`
      : `cannot revoke ${type} key version ${old}: it verifies the ${shown}`;
  const cure = remedies[what]?.(type, version) ?? '';
  throw new ImageError('', 'ERR_KEY_IN_USE', reason, { cure });
}

function isValid(storage: KeyStorage, type: 'production' | 'special' | 'rollover', version: string): boolean {
  return storage.keys(type, version).some((key) => key.state === 'valid');
}

/** The state without the old keys, and without special keys that lose their proof by it. */
async function withRevoked(storage: KeyStorage, type: ChangeableType, version: string): Promise<StorageState> {
  const { state } = storage;
  const isOld = (record: KeyRecord): boolean => record.type === type && record.version < version;
  const isDone = state.floors[type] === version && !state.records.some((one) => isOld(one) && one.state === 'valid');
  if (isDone) return state;
  if (state.generation >= MAX_GENERATION)
    throw new ImageError(storage.path, 'ERR_KEY_STORAGE', 'its generation is at its end');
  const floors = highestFloors(state.floors, { [type]: version });
  const revoked = new Set(
    state.records.filter((one) => isOld(one) || one.state === 'revoked').map((one) => recordId(one)),
  );
  // Both copies are the same here: it makes no difference in whose name the records are judged.
  const candidates = state.records.map((record) => ({ record, copy: 'primary' as const }));
  const { root, verifier } = storage;
  const judged = await judgeRecords(candidates, { root, verifier, floors, revoked });
  return {
    generation: state.generation + 1,
    floors,
    records: judged.records,
    unchecked: [...state.unchecked, ...judged.unchecked],
  };
}

/** Revokes in each copy what is valid there, Primary first. @returns whether anything was written */
async function writeRevoked(
  storage: KeyStorage,
  state: StorageState,
  { type, version }: { readonly type: ChangeableType; readonly version: string },
  observe: KeyObserver,
): Promise<boolean> {
  let changed = false;
  for (const copy of copyNames) {
    observe({ event: 'scanning', copy });
    const versions = validVersions(storage, copy, type, version);
    if (versions.length === 0 && state === storage.state) continue;
    changed = true;
    const tell = (outcome: 'success' | 'failed'): void => {
      for (const one of versions) observe({ event: 'revoked', version: one, outcome });
    };
    try {
      await storage.writeCopy(copy, state);
    } catch (error) {
      tell('failed');
      observe({ event: 'not-updated', copy });
      throw error;
    }
    tell('success');
  }
  return changed;
}

/** The old versions that the copy had as valid when the storage was opened. */
function validVersions(storage: KeyStorage, copy: CopyName, type: ChangeableType, below: string): readonly string[] {
  const versions = storage.state.records
    .filter((one) => one.type === type && one.version < below && storage.foundState(copy, one) === 'valid')
    .map((one) => one.version);
  return [...new Set(versions)].sort();
}

/** The versions of special keys that were valid and are not there any more. */
function lostProofs(before: StorageState, after: StorageState): readonly string[] {
  const kept = new Set(after.records.map(recordId));
  const lost = before.records.filter((one) => one.state === 'valid' && !kept.has(recordId(one)));
  return [...new Set(lost.map(({ version }) => version))].sort();
}
