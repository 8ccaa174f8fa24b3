import { Duplex, PassThrough, type Readable } from 'node:stream';

/** Two byte streams, one each way, as between the two sides of a channel. */
export interface Wire {
  readonly left: { readonly input: PassThrough; readonly output: PassThrough };
  readonly right: { readonly input: PassThrough; readonly output: PassThrough };
}

export function wire(): Wire {
  const there = new PassThrough({ highWaterMark: 16 * 1024 });
  const back = new PassThrough({ highWaterMark: 16 * 1024 });
  return { left: { input: back, output: there }, right: { input: there, output: back } };
}

/** A stream that gives these bytes in these pieces and then ends. */
export function pieces(chunks: readonly Uint8Array[]): Readable {
  const stream = new PassThrough();
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  return stream;
}

/** Cuts bytes at the given places. */
export function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...[...places].sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

/** Collects everything written to it. */
export class Collector extends Duplex {
  readonly chunks: Buffer[] = [];

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(chunk);
    done();
  }

  override _read(): void {}
}
