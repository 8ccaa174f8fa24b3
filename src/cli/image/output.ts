import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { osPath } from '../../base/byte-name.ts';
import { FileError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { land } from '../../files/landing.ts';
import { localFileSystem } from '../../files/local.ts';
import { splitPath } from '../../files/path.ts';
import type { Read } from './options.ts';

/** What goes to an output. */
export type OutputKind =
  /** May also go to a device, a FIFO and, as `-`, to standard output. */
  | 'any'
  /** Must not be seen by anybody before it is whole: a file it must be. */
  | 'hidden until whole';

/**
 * Writes a file that has its name only once it is whole and on stable storage; what was there before is replaced. Links are followed.
 *
 * @param content may fail: nothing is left then
 * @throws {FileError}
 */
export async function writeOutput(
  path: string,
  content: AsyncIterable<Uint8Array>,
  kind: OutputKind = 'any',
): Promise<void> {
  if (path === '-' && kind === 'any') {
    for await (const chunk of content) await toStandardOutput(chunk);
    return;
  }
  const { parent, name, mustBeDirectory } = splitPath(path);
  if (name === '' || mustBeDirectory) throw new FileError(path, 'open', 'EISDIR');
  const directory = await localFileSystem().directory(parent);
  try {
    const [own, behind] = [await directory.status(name), await directory.status(name, { follow: true })];
    if (own?.kind === 'symlink' && behind === undefined)
      throw new FileError(path, 'open', 'ENOENT', {
        reason: 'is a link to a file that does not exist',
        cure: 'name that file, or remove the link',
      });
    const isSpecial = behind?.kind === 'other';
    if (isSpecial && kind !== 'any')
      throw new FileError(path, 'open', 'ERR_NOT_REGULAR_FILE', {
        reason: 'not a file: it would be seen before it is whole',
      });
    const landing = await land(directory, name, { mode: 0o666, follow: true, durable: true });
    try {
      if (landing.isInPlace === true && !isSpecial) throw onlyInPlace(path);
      // Whoever reads ahead uses its buffers again, and a landing collects chunks before it writes them.
      for await (const chunk of content) await landing.write(Buffer.from(chunk));
      await landing.commit({});
    } catch (error) {
      await landing.discard();
      throw error;
    }
  } finally {
    await directory.close();
  }
}

/** Content that is there already, as an output takes it. */
export async function* whole(content: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield content;
}

function onlyInPlace(path: string): FileError {
  return new FileError(path, 'open', 'EACCES', {
    reason: 'its folder takes no new file, and where it stands it would be half written at times',
    cure: 'take another folder',
  });
}

async function toStandardOutput(chunk: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(chunk, (error) => {
      if (error) reject(FileError.from(error, 'standard output', 'write'));
      else resolve();
    });
  });
}

/** An output that is one of the inputs is a mistake, and may cost the only copy of a key. @throws {FileError} EEXIST */
export async function refuseInputs(out: string, inputs: readonly (string | undefined)[]): Promise<void> {
  const there = await statusOf(out);
  if (there?.isFile() !== true) return;
  for (const input of inputs) {
    if (input === undefined || input === '-') continue;
    const one = await statusOf(input);
    if (one?.dev !== there.dev || one.ino !== there.ino) continue;
    const reason = `is ${input === out ? 'an input' : `the input ${printable(input)}`} too, and would be replaced`;
    throw new FileError(out, 'open', 'EEXIST', { reason, cure: 'take another name for the output' });
  }
}

/** What options name that is read: certificates, keys and the like. */
export function inputsOf(read: Read): readonly string[] {
  const names = ['cert', 'key', 'passphrase-file', 'bundle', 'new-key', 'attrs', 'signature'];
  return names.flatMap((name) => read.texts(name));
}

async function statusOf(path: string): Promise<Stats | undefined> {
  return path === '-' ? undefined : await stat(osPath(path)).catch(() => undefined);
}

/** Writes a file under a name that must be free. @throws {FileError} EEXIST */
export async function writeNew(path: string, content: string, mode: number): Promise<void> {
  const { parent, name } = splitPath(path);
  const directory = await localFileSystem().directory(parent);
  try {
    const file = await directory.open(name, { access: 'write', create: 'new', mode });
    try {
      await file.write([Buffer.from(content, 'utf8')], 0);
      await file.sync();
    } catch (error) {
      await directory.remove(name).catch(() => {});
      throw error;
    } finally {
      await file.close();
    }
    await directory.sync();
  } finally {
    await directory.close();
  }
}
