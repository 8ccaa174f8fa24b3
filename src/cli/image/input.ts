import { closeSync, constants, createReadStream, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { osPath } from '../../base/byte-name.ts';
import { FileError, ImageError } from '../../base/errors.ts';
import type { OpenFile } from '../../files/file-system.ts';
import { localFileSystem } from '../../files/local.ts';
import { locate } from '../../files/path.ts';
import { readAhead } from '../../files/read-ahead.ts';
import type { Certificate } from '../../images/x509/certificate.ts';

/** Certificates and keys are shorter. Bytes. */
const MAX_SMALL_FILE_BYTES = 256 * 1024;

/** So much of a file is read at once. Bytes. */
const PIECE_BYTES = 1024 * 1024;

/** What a command reads: a regular file, or a stream, which is read once. */
export type Input = { readonly signal: AbortSignal | undefined; close(): Promise<void> } & (
  | { readonly kind: 'file'; readonly file: OpenFile; readonly size: number }
  | { readonly kind: 'stream'; readonly path: string; readonly chunks: AsyncIterable<Uint8Array> }
);

/** Opens what an operand names: `-` is standard input; a FIFO and the like are streams. @throws {FileError} */
export async function openInput(path: string, signal?: AbortSignal): Promise<Input> {
  if (path === '-') return streamed('standard input', process.stdin, signal);
  const { directory, name } = await locate(localFileSystem(), path);
  try {
    const status = name === '' ? undefined : await directory.status(name, { follow: true });
    if (name === '' || status?.kind === 'directory') throw new FileError(path, 'open', 'EISDIR');
    if (status === undefined) throw new FileError(path, 'open', 'ENOENT');
    if (status.special === 'fifo') return streamed(path, openFifo(path), signal);
    if (status.special === 'character device') return streamed(path, createReadStream(osPath(path)), signal);
    if (status.kind !== 'file') throw new FileError(path, 'open', 'ERR_NOT_REGULAR_FILE', { reason: 'not a file' });
    const file = await directory.open(name, { access: 'read', follow: true, shownAs: path });
    const { size } = await file.status();
    return { kind: 'file', file, size, signal, close: () => file.close() };
  } finally {
    await directory.close();
  }
}

/** A FIFO that nobody writes to yet is waited for here and not in a system call, which no signal could end. */
function openFifo(path: string): Readable {
  try {
    const fd = openSync(osPath(path), constants.O_RDONLY | constants.O_NONBLOCK);
    if (fstatSync(fd).isFIFO()) return new Socket({ fd, readable: true, writable: false });
    closeSync(fd);
  } catch (cause) {
    throw FileError.from(cause, path, 'open');
  }
  throw new FileError(path, 'open', 'ERR_FILE_CHANGED', { reason: 'was a FIFO a moment ago' });
}

function streamed(path: string, stream: Readable, signal: AbortSignal | undefined): Input {
  const stop = (): void => {
    stream.destroy(signal?.reason);
  };
  signal?.addEventListener('abort', stop, { once: true });
  // It may be stopped before anybody reads; whoever reads hears of it.
  stream.on('error', () => {});
  return {
    kind: 'stream',
    path,
    chunks: stream,
    signal,
    async close() {
      signal?.removeEventListener('abort', stop);
      stream.destroy();
    },
  };
}

/**
 * All bytes of it, in order, until the signal of the input aborts. A chunk may be used until the next but one is asked for.
 */
export async function* chunksOf(input: Input): AsyncGenerator<Uint8Array, void, void> {
  const { signal } = input;
  const chunks =
    input.kind === 'stream' ? input.chunks : readAhead(input.file, input.size, { chunkBytes: PIECE_BYTES });
  const pieces = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await next(pieces, input);
      if (done === true) return;
      yield value;
    }
  } finally {
    await pieces.return?.();
  }
}

/** The errors of a stream are those of the system. */
async function next(pieces: AsyncIterator<Uint8Array>, input: Input): Promise<IteratorResult<Uint8Array>> {
  try {
    return await pieces.next();
  } catch (error) {
    input.signal?.throwIfAborted();
    throw input.kind === 'stream' ? FileError.from(error, input.path, 'read') : error;
  }
}

/** The whole content of a small file. @throws {FileError} */
export async function readSmall(path: string): Promise<Buffer> {
  const input = await openInput(path);
  try {
    const parts: Buffer[] = [];
    let length = 0;
    for await (const chunk of chunksOf(input)) {
      parts.push(Buffer.from(chunk));
      length += chunk.length;
      if (length > MAX_SMALL_FILE_BYTES) throw new FileError(path, 'read', 'EFBIG');
    }
    return Buffer.concat(parts);
  } finally {
    await input.close();
  }
}

/** Does something with the content of a file; refusals without a name get its. */
export async function reading<T>(path: string, use: () => T | Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    const { named } = await import('../../images/verified.ts');
    throw error instanceof ImageError ? named(error, path) : error;
  }
}

/** @throws {FileError | ImageError} */
export async function certificateAt(path: string): Promise<Certificate> {
  const { readCertificateFile } = await import('../../images/x509/pem.ts');
  const content = await readSmall(path);
  return await reading(path, () => readCertificateFile(content));
}
