import { FileError } from '../base/errors.ts';
import { SSH_FXF_CREAT, SSH_FXF_EXCL, SSH_FXF_READ, SSH_FXF_WRITE } from './constants.ts';
import type { Exchange } from './exchange.ts';
import { SftpHandle } from './handle.ts';
import * as handles from './packets/handles.ts';
import { ReadRequest } from './read-request.ts';
import { Call } from './request.ts';
import { WriteRequest } from './write-request.ts';

/*
 * Small files as a whole: what is to be done with the handle is asked as soon as there is one, all at once. The requests are those of the ordinary way; what is saved is a promise for each step and whoever waits for it, which is
 * most of what a small file takes.
 */

/**
 * OPEN for a name that must be free, then WRITE and CLOSE together.
 *
 * @param opened looks at the handle before it is used. @throws {ProtocolError} where it cannot be right
 * @param content at most what a WRITE may carry; it must not change until this has settled
 * @returns false where the server has made no file, for whatever reason
 * @throws {FileError} the file is there and may not hold all of the content
 */
export function putWhole(
  exchange: Exchange,
  path: string,
  mode: number,
  content: Uint8Array,
  opened: (handle: SftpHandle) => void,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let left = 2;
    let failure: { readonly error: unknown } | undefined;
    const ended = (): void => {
      if (--left > 0) return;
      if (failure === undefined) resolve(true);
      else reject(failure.error);
    };
    const failed = (error: unknown): void => {
      failure ??= { error };
      ended();
    };
    const flags = SSH_FXF_WRITE | SSH_FXF_CREAT | SSH_FXF_EXCL;
    openWhole(exchange, { path, flags, attributes: { permissions: mode } }, opened, {
      refused: () => resolve(false),
      failed: reject,
      work: (handle) => {
        exchange.request(new WriteRequest(handle, 0, [content], { sent() {}, written: ended, failed }));
        const what = { operation: 'close', path };
        exchange.request(new Call(handles.closePacket, handle.bytes, { kind: 'ok' }, what, ended, failed));
      },
    });
  });
}

/**
 * OPEN, then READ and CLOSE together.
 *
 * @param size how long it is thought to be. READ asks for one byte more, so that a longer one shows. At least 1, and less than what a READ may bring.
 * @param opened looks at the handle before it is used. @throws {ProtocolError} where it cannot be right
 * @returns undefined where it is not as long as that, or did not come at once, or not at all
 */
export function fetchWhole(
  exchange: Exchange,
  path: string,
  size: number,
  opened: (handle: SftpHandle) => void,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const nothing = (): void => resolve(undefined);
    const failed = (error: unknown): void => {
      if (error instanceof FileError) resolve(undefined);
      else reject(error);
    };
    const received = (pieces: readonly Buffer[], length: number): void => {
      if (length !== size) resolve(undefined);
      else resolve(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces, length));
    };
    openWhole(exchange, { path, flags: SSH_FXF_READ, attributes: {} }, opened, {
      refused: nothing,
      failed,
      work: (handle) => {
        exchange.request(new ReadRequest(handle, 0, size + 1, { received, ended: nothing, failed }));
        // The answer says nothing of a file that was only read.
        const what = { operation: 'close', path };
        exchange.request(new Call(handles.closePacket, handle.bytes, { kind: 'ok' }, what, ignored, ignored));
      },
    });
  });
}

function ignored(): void {}

interface Outcome {
  readonly refused: () => void;
  readonly failed: (error: unknown) => void;
  readonly work: (handle: SftpHandle) => void;
}

function openWhole(
  exchange: Exchange,
  fields: handles.OpenFields,
  opened: (handle: SftpHandle) => void,
  { refused, failed, work }: Outcome,
): void {
  const { path } = fields;
  const answered = (bytes: Uint8Array | undefined): void => {
    const handle = new SftpHandle(bytes as Uint8Array, path);
    opened(handle);
    work(handle);
  };
  const ended = (error: unknown): void => {
    if (error instanceof FileError) refused();
    else failed(error);
  };
  const expected = { kind: 'packet', packet: handles.handlePacket } as const;
  exchange.request(new Call(handles.openPacket, fields, expected, { operation: 'open', path }, answered, ended));
}
