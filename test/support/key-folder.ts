import { ImageError } from '../../src/base/errors.ts';
import type { Directory } from '../../src/files/file-system.ts';
import type { ProcessMark } from '../../src/files/process-mark.ts';
import { addKeys, type KeyChange } from '../../src/images/keys/add.ts';
import type { KeyEvent } from '../../src/images/keys/events.ts';
import type { DeviceContext } from '../../src/images/keys/in-use.ts';
import { initKeyStorage } from '../../src/images/keys/init.ts';
import { formatKeyFile, parseKeyFile } from '../../src/images/keys/key-file.ts';
import { type OpenKeyStorageOptions, openKeyStorage } from '../../src/images/keys/open.ts';
import type { ChangeableType, CopyName, KeyFile } from '../../src/images/keys/records.ts';
import { revokeKeys } from '../../src/images/keys/revoke.ts';
import type { KeyStorage } from '../../src/images/keys/storage.ts';
import { keyEventLines } from '../../src/images/keys/transcript.ts';
import type { VerifiedImage } from '../../src/images/types.ts';
import { fakeImage, fakeRootKey, fakeVerifier } from './fake-proofs.ts';
import { PowerCutDisk } from './power-cut-disk.ts';

/** The keys that storages of the tests begin with. */
export const firstKeys: readonly string[] = ['rollover A', 'production A', 'special A'];

/** A storage in a folder in memory. */
export interface KeyFolder {
  readonly disk: PowerCutDisk;
  readonly directory: Directory;
}

/** @param keys names of keys, see fake-proofs.ts */
export async function makeKeyFolder(keys: readonly string[] = firstKeys): Promise<KeyFolder> {
  const disk = new PowerCutDisk();
  const directory = disk.directory('keys');
  await initKeyStorage(directory, keys.map(fakeRootKey), { verifier: fakeVerifier });
  return { disk, directory };
}

/** Opens the storage, does something with it, and closes it. */
export async function withStorage<T>(
  { directory }: Pick<KeyFolder, 'directory'>,
  options: Partial<OpenKeyStorageOptions>,
  work: (storage: KeyStorage) => T | Promise<T>,
): Promise<T> {
  const storage = await openKeyStorage(directory, { verifier: fakeVerifier, ...options });
  try {
    return await work(storage);
  } finally {
    await storage[Symbol.asyncDispose]();
  }
}

/** The content of a file in the folder; undefined where there is none. */
export function fileOf({ disk }: KeyFolder, name: string): Buffer | undefined {
  return disk.image().get(`keys/${name}`)?.content;
}

/** Puts a file into the folder as somebody else would. */
export async function putFile(
  { directory }: Pick<KeyFolder, 'directory'>,
  name: string,
  content: Uint8Array,
  mode = 0o644,
): Promise<void> {
  if ((await directory.status(name)) !== undefined) await directory.remove(name);
  const file = await directory.open(name, { access: 'write', create: 'new', mode });
  await file.write([content], 0);
  await file.sync();
  await file.close();
  await directory.sync();
}

/** What a copy says. */
export function copyOf(folder: KeyFolder, name: CopyName): KeyFile {
  return parseKeyFile(fileOf(folder, `${name}.keys`) as Buffer, name);
}

/** What a copy says, in few words: `production A`, `special A revoked`. */
export function keysIn(folder: KeyFolder, name: CopyName): string[] {
  return copyOf(folder, name).records.map(
    ({ type, version, state }) => `${type} ${version}${state === 'revoked' ? ' revoked' : ''}`,
  );
}

/** A mark of a process that is gone for every other one: each power cut ends all processes. */
export function markOfLife(life: number): ProcessMark {
  const id = `aaaaaaaaaaaa-bbbbbbbb-${1000 + life}-1-${String(life).padStart(8, '0')}`;
  return { id, bootedMs: () => 2_000_000, fateOf: (other) => (other === id ? 'runs' : 'gone') };
}

/** A revocation image. @param bundled names of keys */
export function revocation(bundled: readonly string[] = ['production B']): VerifiedImage {
  return fakeImage({ type: 'revocation', signers: ['rollover A'], bundled });
}

/** A production image. */
export function production(signer = 'production A', bundled: readonly string[] = ['special B']): VerifiedImage {
  return fakeImage({ type: 'production', signers: [signer], bundled });
}

/** What a key command did, and its lines. */
export interface CommandRun {
  readonly lines: readonly string[];
  readonly change: KeyChange;
}

/** Runs `key add`. */
export async function add(
  folder: Pick<KeyFolder, 'directory'>,
  type: ChangeableType,
  from: VerifiedImage,
  options: Partial<OpenKeyStorageOptions> = {},
): Promise<CommandRun> {
  const { lines, observer } = recorder();
  const work = (storage: KeyStorage): Promise<KeyChange> => addKeys(storage, type, from, { observer });
  return { lines, change: await withStorage(folder, { change: true, ...options }, work) };
}

/** Runs `key revoke`. */
export async function revoke(
  folder: Pick<KeyFolder, 'directory'>,
  type: ChangeableType,
  context: DeviceContext = {},
  options: Partial<OpenKeyStorageOptions> = {},
): Promise<CommandRun> {
  const { lines, observer } = recorder();
  const work = (storage: KeyStorage): Promise<KeyChange> => revokeKeys(storage, type, context, { observer });
  return { lines, change: await withStorage(folder, { change: true, ...options }, work) };
}

/** An observer that writes down the lines. */
export function recorder(): { readonly lines: string[]; readonly observer: (event: KeyEvent) => void } {
  const lines: string[] = [];
  return { lines, observer: (event) => void lines.push(...keyEventLines(event)) };
}

/** The code, the text and the cure of the refusal that the work ends with. */
export async function refusal(
  work: () => unknown,
): Promise<{ readonly code: string; readonly message: string; readonly cure: string | undefined }> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ImageError) return { code: error.code, message: error.message, cure: error.cure };
    throw error;
  }
  throw new Error('nothing was refused');
}

/** All files of a storage but the lock, to be compared. */
export function contentOf(folder: KeyFolder): string {
  const names = ['root.json', 'primary.keys', 'backup.keys', 'nvram.json'];
  return JSON.stringify(names.map((name) => fileOf(folder, name)?.toString('base64')));
}

/** Writes a copy anew, as somebody would who may write the file. */
export async function rewrite(folder: KeyFolder, name: CopyName, change: (file: KeyFile) => KeyFile): Promise<void> {
  await putFile(folder, `${name}.keys`, formatKeyFile(change(copyOf(folder, name))));
}

/** Types, versions and states of the keys that are believed. */
export async function states(
  folder: Pick<KeyFolder, 'directory'>,
  options: Partial<OpenKeyStorageOptions> = {},
): Promise<string[]> {
  return await withStorage(folder, options, (storage) =>
    storage.state.records.map(({ type, version, state }) => `${type} ${version} ${state}`),
  );
}
