import { open } from 'node:fs/promises';
import { FileError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { decodePublicKey } from '../known-hosts/parse.ts';
import type { IdentityContext } from './identity.ts';
import { MAX_PRIVATE_KEY_BYTES } from './parse-private-key.ts';

/** An identity file as it was found. */
export interface IdentityFile {
  readonly path: string;
  /** The private key's file; absent where only the public half is here, which an agent may sign for. */
  readonly data: Buffer | undefined;
  /** The public half, from the file itself or from the `.pub` beside it. */
  readonly publicBlob: Buffer | undefined;
}

async function readBounded(path: string): Promise<{ data: Buffer; mode: number; uid: number } | undefined> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    const failure = FileError.from(error, path, 'read');
    if (failure.code === 'ENOENT' || failure.code === 'ENOTDIR') return undefined;
    throw failure;
  });
  if (handle === undefined) return undefined;
  try {
    const { mode, uid, size } = await handle.stat();
    if (size > MAX_PRIVATE_KEY_BYTES) throw new FileError(path, 'read', 'EFBIG');
    return { data: await handle.readFile(), mode, uid };
  } catch (error) {
    throw FileError.from(error, path, 'read');
  } finally {
    await handle.close();
  }
}

function publicLine(data: Buffer): Buffer | undefined {
  const [type, encoded] = data
    .toString('latin1')
    .trim()
    .split(/[ \t]+/);
  return type === undefined || encoded === undefined ? undefined : decodePublicKey(type, encoded);
}

/**
 * Reads an identity file with what is known of its public half. A file that others can read is not used, as in OpenSSH:
 * its key may not be secret any more.
 *
 * @returns undefined where there is nothing to use; the reason is told or logged
 */
export async function readIdentityFile(
  path: string,
  named: boolean,
  context: IdentityContext,
): Promise<IdentityFile | undefined> {
  try {
    const file = await readBounded(path);
    const beside = await readBounded(`${path}.pub`).catch(() => undefined);
    const publicBlob = beside && publicLine(beside.data);
    if (file === undefined) {
      if (publicBlob) return { path, data: undefined, publicBlob };
      if (named) context.prompter?.tell(`identity file ${printable(path)} not accessible: No such file or directory`);
      else context.log.debug(2, `no identity ${printable(path)}`);
      return undefined;
    }
    const own = publicLine(file.data);
    if (own !== undefined) return { path, data: undefined, publicBlob: own };
    if (file.uid === process.getuid?.() && (file.mode & 0o077) !== 0) {
      const mode = (file.mode & 0o777).toString(8).padStart(4, '0');
      const advice = `chmod 600 '${printable(path)}'`;
      (context.prompter?.tell ?? ((text: string) => context.log.debug(1, text)))(
        `The private key ${printable(path)} is open to others (mode ${mode}) and is not used. To use it: ${advice}`,
      );
      return undefined;
    }
    return { path, data: file.data, publicBlob };
  } catch (error) {
    const reason = error instanceof Error ? printable(error.message) : 'unreadable';
    if (named) context.prompter?.tell(`identity file ${reason}`);
    context.log.debug(1, `identity ${reason}`);
    return undefined;
  }
}
