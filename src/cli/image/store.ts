import { rmdir } from 'node:fs/promises';
import { osPath } from '../../base/byte-name.ts';
import { FileError, ImageError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { keyTypes } from '../../images/image-types.ts';
import { addKeys } from '../../images/keys/add.ts';
import { minCounterOf, raiseCounters } from '../../images/keys/counters.ts';
import type { KeyObserver } from '../../images/keys/events.ts';
import { type DeviceContext, type ImageInUse, imageInUse } from '../../images/keys/in-use.ts';
import { initKeyStorage } from '../../images/keys/init.ts';
import { type ChangeableType, changeableTypes } from '../../images/keys/records.ts';
import { revokeKeys } from '../../images/keys/revoke.ts';
import type { RootKey } from '../../images/keys/root-file.ts';
import { shownKeyLines, shownKeys, shownKeysJson } from '../../images/keys/show-keys.ts';
import { storageJson, storageLines, viewStorage } from '../../images/keys/show-storage.ts';
import type { KeyStorage } from '../../images/keys/storage.ts';
import { keyEventLines } from '../../images/keys/transcript.ts';
import { upgradeStatus } from '../../images/keys/upgrade-status.ts';
import { upgradeStatusLines } from '../../images/keys/upgrade-text.ts';
import type { ImagePolicy, KeyType, VerifiedImage } from '../../images/types.ts';
import { verifyImageFile } from '../../images/verify-file.ts';
import { UsageError } from '../getopt.ts';
import { jsonLine } from '../json-lines.ts';
import type { Reporter } from '../report.ts';
import { noPurpose } from './description.ts';
import { certificateAt, openInput, reading } from './input.ts';
import { makeFolder } from './make-folder.ts';
import { type Read, readOptions } from './options.ts';
import { inFolder, tellProblems, withStorage } from './store-folder.ts';
import { tellError } from './tell-error.ts';

/** How long a command waits for another one that changes the same storage. Milliseconds. */
const WAIT_MS = 5000;

const known = [
  'rollover:',
  'production:',
  'special:',
  'from:',
  'running:',
  'autoboot:',
  'rommon:',
  'reload-pending',
  'product:',
  'min-signers:',
  'nvram:',
  'keys',
  'json',
];

/** What belongs to which action. */
const actions: Readonly<Record<string, { readonly takes: readonly string[]; readonly run: Action }>> = {
  init: { takes: ['rollover', 'production', 'special', 'min-signers', 'nvram'], run: init },
  show: { takes: ['keys', 'json', 'nvram'], run: show },
  status: { takes: ['running', 'autoboot', 'rommon', 'product', 'json', 'nvram'], run: status },
  add: { takes: ['from', 'product', 'nvram'], run: add },
  good: { takes: ['running', 'product', 'nvram'], run: good },
  revoke: { takes: ['running', 'autoboot', 'rommon', 'reload-pending', 'product', 'nvram'], run: revoke },
};

/** @returns the exit status */
type Action = (read: Read, words: readonly string[], reporter: Reporter, signal: AbortSignal) => Promise<number>;

/** `sealift image store`. @returns undefined where help is wanted */
export async function store(
  args: readonly string[],
  reporter: Reporter,
  signal: AbortSignal,
): Promise<number | undefined> {
  const read = readOptions(args, known);
  if (read === undefined) return undefined;
  const [word = '', ...words] = read.operands;
  const action = Object.hasOwn(actions, word) ? actions[word] : undefined;
  if (action === undefined) throw new UsageError(`what to do is one of ${Object.keys(actions).join(', ')}`);
  for (const one of known) {
    const name = one.replace(/:$/, '');
    const isGiven = read.texts(name).length > 0 || read.flag(name);
    if (isGiven && !action.takes.includes(name)) throw new UsageError(`--${name}: not an option of store ${word}`);
  }
  return await action.run(read, words, reporter, signal);
}

function oneFolder(words: readonly string[]): string {
  const [folder, ...more] = words;
  if (folder === undefined || folder === '') throw new UsageError('the folder of the key storage is missing');
  if (more.length > 0) throw new UsageError(`${more[0]}: one folder is taken`);
  return folder;
}

function typeAndFolder(words: readonly string[]): readonly [ChangeableType, string] {
  const [word, ...rest] = words;
  const type = changeableTypes.find((one) => one === word);
  if (type === undefined) throw new UsageError(`the type of key is one of ${changeableTypes.join(', ')}`);
  return [type, oneFolder(rest)];
}

async function init(read: Read, words: readonly string[], reporter: Reporter): Promise<number> {
  const folder = oneFolder(words);
  const keys: RootKey[] = [];
  for (const type of ['rollover', 'production', 'special'] as const)
    for (const path of read.texts(type)) keys.push(await rootKey(path, type));
  for (const type of ['rollover', 'production']) read.needed(type);
  const minSigners = readMinSigners(read);
  const isMade = await makeFolder(folder, 0o755);
  try {
    await inFolder(folder, read.text('nvram'), async (directory, nvram) => {
      await reading(folder, () => initKeyStorage(directory, keys, { nvram, minSigners }));
    });
  } catch (error) {
    if (isMade) await rmdir(osPath(folder)).catch(() => {});
    throw error;
  }
  for (const { type, version } of keys) reporter.notice(`${folder}: trusts ${type} key version ${version}`);
  return 0;
}

/** `production=2`. @throws {UsageError} */
function readMinSigners(read: Read): Partial<Record<KeyType, number>> {
  const found: Partial<Record<KeyType, number>> = {};
  for (const text of read.texts('min-signers')) {
    const [, word, digits] = /^(\w+)=([1-8])$/.exec(text) ?? [];
    const type = keyTypes.find((one) => one === word);
    if (type === undefined)
      throw new UsageError(`--min-signers ${text}: not a type of key, =, and a number from 1 to 8, as production=2`);
    found[type] = Number(digits);
  }
  return found;
}

async function rootKey(path: string, type: KeyType): Promise<RootKey> {
  const { purpose, bytes } = await certificateAt(path);
  if (purpose === undefined) throw noPurpose(path);
  if (purpose.type !== type) {
    const reason = `the certificate is that of a ${purpose.type} key, not of a ${type} key`;
    throw new FileError(path, 'read', 'ERR_CONFIG', { reason });
  }
  return { type, version: purpose.version, certificate: bytes };
}

async function add(read: Read, words: readonly string[], reporter: Reporter, signal: AbortSignal): Promise<number> {
  const [type, folder] = typeAndFolder(words);
  const from = read.needed('from');
  const options = { change: true, recover: type === 'production', waitMs: WAIT_MS, signal };
  await withStorage(folder, read.text('nvram'), options, async (storage) => {
    tellProblems(storage, reporter);
    const image = await verified(from, storage, { product: read.text('product') }, signal);
    await reading(folder, () => addKeys(storage, type, image, { observer }));
  });
  return 0;
}

async function revoke(read: Read, words: readonly string[], reporter: Reporter, signal: AbortSignal): Promise<number> {
  const [type, folder] = typeAndFolder(words);
  await withStorage(folder, read.text('nvram'), { change: true, waitMs: WAIT_MS, signal }, async (storage) => {
    tellProblems(storage, reporter);
    const context = await readContext(read, storage, signal);
    await reading(folder, () => revokeKeys(storage, type, context, { observer }));
  });
  return 0;
}

const observer: KeyObserver = (event) => {
  for (const line of keyEventLines(event)) process.stdout.write(`${line}\n`);
};

async function readContext(read: Read, storage: KeyStorage, signal: AbortSignal): Promise<DeviceContext> {
  const inUse = async (role: Role): Promise<ImageInUse | undefined> =>
    (await imageAs(role, read, storage, signal))?.inUse;
  return {
    running: await inUse('running'),
    autoboot: await inUse('autoboot'),
    rommon: await inUse('rommon'),
    isReloadScheduled: read.flag('reload-pending'),
  };
}

/** What a device does with an image, and the option that names it. */
type Role = 'running' | 'autoboot' | 'rommon';

/** The image that an option names. @returns undefined where it names none @throws {ImageError | FileError} */
async function imageAs(
  role: Role,
  read: Read,
  storage: KeyStorage,
  signal: AbortSignal,
): Promise<{ readonly image: VerifiedImage; readonly inUse: ImageInUse } | undefined> {
  const path = read.text(role);
  if (path === undefined) return undefined;
  const image = await verified(path, storage, { product: read.text('product') }, signal);
  checkRole(role, path, image);
  return { image, inUse: imageInUse(path, image) };
}

/** A system image in the place of a ROM monitor would make a device look ready that is not. @throws {ImageError} ERR_IMAGE_POLICY */
function checkRole(role: Role, path: string, { info }: VerifiedImage): void {
  const isRommon = info.type === 'rommon.production' || info.type === 'rommon.special';
  if (isRommon === (role === 'rommon')) return;
  const reason = `it is an image of type ${info.type}, and --${role} names ${isRommon ? 'a system image' : 'a ROM monitor'}`;
  throw new ImageError(printable(path), 'ERR_IMAGE_POLICY', reason);
}

/** @throws {ImageError | FileError} */
async function verified(
  path: string,
  storage: KeyStorage,
  policy: ImagePolicy,
  signal: AbortSignal,
): Promise<VerifiedImage> {
  const input = await openInput(path, signal);
  try {
    if (input.kind !== 'file')
      throw new FileError(path, 'read', 'ERR_NOT_REGULAR_FILE', { reason: 'must be a file, which is kept' });
    const whole = { ...policy, minCounter: minCounterOf(storage) };
    return await verifyImageFile(input.file, { lookup: storage, policy: whole, name: path, signal });
  } finally {
    await input.close();
  }
}

async function show(read: Read, words: readonly string[]): Promise<number> {
  const folder = oneFolder(words);
  return await withStorage(folder, read.text('nvram'), { recover: true }, async (storage) => {
    const isJson = read.flag('json');
    if (read.flag('keys')) {
      const keys = shownKeys(storage);
      process.stdout.write(isJson ? `${shownKeysJson(keys)}\n` : lines(shownKeyLines(keys)));
    } else {
      const view = viewStorage(storage);
      process.stdout.write(isJson ? `${storageJson(view)}\n` : lines(storageLines(view)));
    }
    return storage.isRecovery ? 1 : 0;
  });
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}

async function status(read: Read, words: readonly string[], reporter: Reporter, signal: AbortSignal): Promise<number> {
  return await withStorage(oneFolder(words), read.text('nvram'), {}, async (storage) => {
    const bundled: string[] = [];
    const inUse = async (role: Role): Promise<ImageInUse | undefined> => {
      try {
        const found = await imageAs(role, read, storage, signal);
        if (role === 'running') bundled.push(...(found?.image.info.bundledKeys ?? []).map((key) => key.version));
        return found?.inUse;
      } catch (error) {
        // That it cannot be verified is what the status has to say of it.
        if (!(error instanceof ImageError)) throw error;
        tellError(reporter, error);
        return { name: read.needed(role), type: 'production', signedWith: [] };
      }
    };
    const running = await inUse('running');
    const context = { running, autoboot: await inUse('autoboot'), rommon: await inUse('rommon') };
    const bundledVersion = running?.type === 'revocation' ? bundled[0] : undefined;
    const found = upgradeStatus(storage, { ...context, bundledVersion });
    process.stdout.write(read.flag('json') ? jsonLine(found) : lines(upgradeStatusLines(found)));
    return found.isReady ? 0 : 1;
  });
}

async function good(read: Read, words: readonly string[], reporter: Reporter, signal: AbortSignal): Promise<number> {
  const path = read.needed('running');
  const options = { change: true, waitMs: WAIT_MS, signal };
  await withStorage(oneFolder(words), read.text('nvram'), options, async (storage) => {
    tellProblems(storage, reporter);
    const image = await verified(path, storage, { product: read.text('product') }, signal);
    const isRaised = await raiseCounters(storage, image);
    const { type, counter } = image.info;
    process.stdout.write(isRaised ? `Security counter of ${type} images raised to ${counter}\n` : 'No change\n');
  });
  return 0;
}
