import { onTestFinished } from 'vitest';
import { type PacketReceiver, PacketStream } from '../../../src/sftp/packet-stream.ts';
import { type ServerSessionOptions, serveSftp } from '../../../src/sftp/server/session.ts';
import { ByteReader } from '../../../src/wire/byte-reader.ts';
import { type Wire, wire } from '../../support/streams.ts';
import { framed, settle } from '../scripted-peer.ts';
import { ServedMemory } from './served-memory.ts';

/** An answer as it came to the client. */
export interface Answer {
  readonly type: number;
  readonly id: number;
  readonly body: Buffer;
}

export const u8 = (value: number): Buffer => Buffer.of(value);
export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
export const u64 = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};
export const str = (text: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(text);
  return Buffer.concat([u32(bytes.length), bytes]);
};

/** The client's side of a session, played by a test, byte by byte. */
export class ScriptedClient implements PacketReceiver {
  readonly wire: Wire = wire();
  readonly files: ServedMemory = new ServedMemory();
  readonly answers: Answer[] = [];
  readonly #byId: Map<number, Answer> = new Map();
  /** How the session ended: undefined for a good end. */
  readonly served: Promise<unknown>;
  readonly busy: boolean[] = [];
  readonly #stream = new PacketStream(this);
  #waiting: (() => void)[] = [];
  #data: { id: number; parts: Buffer[] } | undefined;
  #next = 1;

  /** @param options `endsItself`: the test sees to its end, and nothing of it stays until the test has finished: for millions of them */
  constructor(options: ServerSessionOptions & { readonly reads?: boolean; readonly endsItself?: boolean } = {}) {
    if (options.reads !== false) this.read();
    this.served = serveSftp(this.wire.right, this.files, {
      nowSeconds: () => 0,
      busy: (isBusy) => this.busy.push(isBusy),
      ...options,
    }).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (options.endsItself === true) return;
    onTestFinished(async () => {
      this.files.letGo();
      this.read();
      this.end();
      await this.served;
    });
  }

  /** Takes what the server sends. */
  read(): void {
    if (this.wire.left.input.listenerCount('data') === 0)
      this.wire.left.input.on('data', (chunk: Buffer) => this.#stream.push(chunk));
  }

  packet(type: number, body: Buffer): void {
    const isVersion = type === 2;
    const id = isVersion ? -1 : body.readUInt32BE(0);
    this.#got({ type, id, body: Buffer.from(isVersion ? body : body.subarray(4)) });
  }

  #got(answer: Answer): void {
    this.answers.push(answer);
    this.#byId.set(answer.id, answer);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  dataBegins(id: number): void {
    this.#data = { id, parts: [] };
  }

  data(chunk: Buffer, start: number, end: number): void {
    this.#data?.parts.push(Buffer.from(chunk.subarray(start, end)));
  }

  dataEnds(): void {
    if (this.#data !== undefined) this.#got({ type: 103, id: this.#data.id, body: Buffer.concat(this.#data.parts) });
  }

  raw(...parts: Uint8Array[]): void {
    this.wire.left.output.write(Buffer.concat(parts));
  }

  /** Sends a request and gives its id. */
  send(type: number, ...fields: Uint8Array[]): number {
    const id = this.#next++;
    this.raw(framed(u8(type), u32(id), ...fields));
    return id;
  }

  extended(name: string, ...fields: Uint8Array[]): number {
    return this.send(200, str(name), ...fields);
  }

  /** The answer to a request, whenever it comes. */
  async answer(id: number): Promise<Answer> {
    for (;;) {
      const found = this.#byId.get(id);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  /** The answer as text: `STATUS 0 Success`, `HANDLE 00000000`, `DATA hex`. */
  async shown(id: number): Promise<string> {
    const { type, body } = await this.answer(id);
    const reader = new ByteReader(body, 'TEST');
    if (type === 101) return `STATUS ${reader.uint32()} ${reader.name()}`;
    if (type === 102) return `HANDLE ${reader.string().toString('hex')}`;
    if (type === 103) return `DATA ${body.toString('latin1')}`;
    return `${type} ${body.toString('hex')}`;
  }

  async init(version = 3): Promise<Answer> {
    this.raw(framed(u8(1), u32(version)));
    return await this.answer(-1);
  }

  /** A handle on a file or, with type 11, on a directory. */
  async handle(path: string, flags = 3): Promise<Buffer> {
    const { type, body } = await this.answer(this.send(3, str(path), u32(flags), u32(0)));
    if (type !== 102) throw new Error('no handle');
    return body;
  }

  end(): void {
    this.wire.left.output.end();
  }
}

/** A session that has shaken hands. */
export async function openScripted(
  options: ServerSessionOptions & { readonly reads?: boolean } = {},
): Promise<ScriptedClient> {
  const client = new ScriptedClient(options);
  if (options.reads === false) {
    client.raw(framed(u8(1), u32(3)));
    await settle();
  } else await client.init();
  return client;
}
