import { FileError } from '../../base/errors.ts';
import { land } from '../../files/landing.ts';
import { localFileSystem } from '../../files/local.ts';
import { splitPath } from '../../files/path.ts';

/**
 * Writes a file that has its name only once it is whole and on stable storage; what was there before is replaced. Links are followed.
 *
 * @param content may fail: nothing is left then
 * @throws {FileError}
 */
export async function writeOutput(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const { parent, name, mustBeDirectory } = splitPath(path);
  if (name === '' || mustBeDirectory) throw new FileError(path, 'open', 'EISDIR');
  const directory = await localFileSystem().directory(parent);
  try {
    const landing = await land(directory, name, { mode: 0o666, follow: true, durable: true });
    try {
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
