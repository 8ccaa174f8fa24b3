import { canStart, type DeviceContext, type ImageInUse } from './in-use.ts';
import type { CopyName } from './records.ts';
import type { KeyStorage } from './storage.ts';

/** What is known of an image, and whether it can start once the old keys are revoked. */
export interface ImageStatus extends ImageInUse {
  readonly isReady: boolean;
}

/** Whether a device is ready for the old production keys to be revoked. */
export interface UpgradeStatus {
  /** The production key that is to stay: the one that the running image brings, else the newest there is. */
  readonly newVersion: string | undefined;
  /** Whether it is in each copy of the storage. */
  readonly isIn: Readonly<Record<CopyName, boolean>>;
  /** Undefined where it is not known. */
  readonly autoboot: ImageStatus | undefined;
  readonly rommon: ImageStatus | undefined;
  readonly running: ImageInUse | undefined;
  /** Valid production keys that are older, by version. */
  readonly oldVersions: readonly string[];
  /** What the two copies do not say alike, and what else is wrong with the storage. */
  readonly problems: readonly string[];
  /** What is to be done, in order. Empty: ready. */
  readonly actions: readonly string[];
  readonly isReady: boolean;
}

/** What upgrade-status looks at. */
export interface UpgradeContext extends DeviceContext {
  /** The version of the production key that the running revocation image brings. */
  readonly bundledVersion?: string | undefined;
}

/**
 * The five checks before a production key is replaced: the new key is installed, in Primary and in Backup, and has signed the autoboot image and the upgradable ROMmon. What is not known counts as not ready.
 */
export function upgradeStatus(storage: KeyStorage, context: UpgradeContext = {}): UpgradeStatus {
  const newest = storage.newest('production');
  const { bundledVersion = newest, running } = context;
  const newVersion = (bundledVersion ?? '') > (newest ?? '') ? bundledVersion : newest;
  const isIn = { primary: isInCopy(storage, 'primary', newVersion), backup: isInCopy(storage, 'backup', newVersion) };
  const autoboot = imageStatus(storage, newVersion, context.autoboot);
  const rommon = imageStatus(storage, newVersion, context.rommon);
  const records = storage.state.records.filter(({ type, state }) => type === 'production' && state === 'valid');
  const old = records.map(({ version }) => version).filter((version) => version < (newVersion ?? ''));
  const actions = whatToDo(newVersion, isIn, autoboot, rommon);
  return {
    newVersion,
    isIn,
    autoboot,
    rommon,
    running,
    oldVersions: [...new Set(old)].sort(),
    problems: storage.problems.map(({ text }) => text),
    actions,
    isReady: actions.length === 0,
  };
}

function isInCopy(storage: KeyStorage, copy: CopyName, version: string | undefined): boolean {
  const keys = storage.state.records.filter((one) => one.type === 'production' && one.version === version);
  return keys.length > 0 && keys.every((key) => storage.isFound(copy, key));
}

/** An image can start if a key has signed it that is valid and not about to be revoked. */
function imageStatus(
  storage: KeyStorage,
  newVersion: string | undefined,
  image: ImageInUse | undefined,
): ImageStatus | undefined {
  if (image === undefined) return undefined;
  const isReady = canStart(
    image,
    (type) => storage.minSigners(type),
    (type, version) =>
      (type !== 'production' || version >= (newVersion ?? '')) &&
      storage.keys(type, version).some(({ state }) => state === 'valid'),
  );
  return { ...image, isReady };
}

function whatToDo(
  version: string | undefined,
  isIn: UpgradeStatus['isIn'],
  autoboot: ImageStatus | undefined,
  rommon: ImageStatus | undefined,
): readonly string[] {
  if (version === undefined)
    return ['software authenticity key add production, from a revocation image that brings a production key'];
  const signed = `signed with production key version ${version}`;
  const actions: string[] = [];
  if (!isIn.primary || !isIn.backup)
    actions.push(`software authenticity key add production, from the revocation image that brings version ${version}`);
  if (autoboot === undefined) actions.push(`find out whether the autoboot image is ${signed}: it is not known here`);
  else if (!autoboot.isReady) actions.push(`copy /verify <url of an image ${signed}> and change boot system to it`);
  if (rommon === undefined) actions.push(`find out whether the upgradable ROMmon is ${signed}: it is not known here`);
  else if (!rommon.isReady) actions.push(`upgrade rom-monitor file <url of a ROMmon ${signed}>`);
  return actions;
}
