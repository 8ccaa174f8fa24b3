import { ConnectionError } from '../../src/base/errors.ts';
import type { Attributes } from '../../src/sftp/attributes.ts';
import { type PacketReceiver, PacketStream } from '../../src/sftp/packet-stream.ts';
import { dataPacket, handlePacket } from '../../src/sftp/packets/handles.ts';
import { attrsPacket, type NameEntry, namePacket } from '../../src/sftp/packets/names.ts';
import type { Packet } from '../../src/sftp/packets/packet.ts';
import { statusPacket } from '../../src/sftp/packets/status.ts';
import { SftpSession, type SftpSessionOptions } from '../../src/sftp/session.ts';
import { ByteReader } from '../../src/wire/byte-reader.ts';
import { ByteWriter } from '../../src/wire/byte-writer.ts';
import { type Wire, wire } from '../support/streams.ts';

/** A request as it came to the server. */
export interface Asked {
  readonly type: number;
  readonly id: number;
  readonly body: Buffer;
}

/** A packet of these bytes, with its length. */
export function framed(...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

/** The server's side of a session, played by a test: it sees every request and answers what the test tells it to. */
export class ScriptedPeer implements PacketReceiver {
  readonly wire: Wire = wire();
  readonly asked: Asked[] = [];
  /** Called with each request as it comes; what it leaves is in `asked`. */
  onRequest: ((request: Asked) => boolean) | undefined;
  readonly #stream = new PacketStream(this);
  #arrived: (() => void) | undefined;

  constructor() {
    this.wire.right.input.on('data', (chunk: Buffer) => this.#stream.push(chunk));
  }

  packet(type: number, body: Buffer): void {
    const isInit = type === 1;
    const request = {
      type,
      id: isInit ? -1 : body.readUInt32BE(0),
      body: Buffer.from(isInit ? body : body.subarray(4)),
    };
    if (this.onRequest?.(request) !== true) this.asked.push(request);
    this.#arrived?.();
  }

  dataBegins(): void {}
  data(): void {}
  dataEnds(): void {}

  /** The next request, whenever it comes. */
  async next(): Promise<Asked> {
    while (this.asked.length === 0)
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    return this.asked.shift() as Asked;
  }

  /** The next `count` requests. */
  async nextOf(count: number): Promise<Asked[]> {
    const all: Asked[] = [];
    while (all.length < count) all.push(await this.next());
    return all;
  }

  raw(bytes: Uint8Array): void {
    this.wire.right.output.write(bytes);
  }

  reply<F>(id: number, packet: Packet<F>, fields: F): void {
    const writer = new ByteWriter();
    writer.uint8(packet.type);
    writer.uint32(id);
    packet.write(writer, fields);
    this.raw(framed(writer.take()));
  }

  status(id: number, code: number, message = ''): void {
    this.reply(id, statusPacket, { code, message, language: '' });
  }

  handle(id: number, bytes: Uint8Array = Buffer.from('h')): void {
    this.reply(id, handlePacket, bytes);
  }

  content(id: number, content: Uint8Array): void {
    this.reply(id, dataPacket, content);
  }

  attributes(id: number, attributes: Attributes): void {
    this.reply(id, attrsPacket, attributes);
  }

  names(id: number, entries: readonly NameEntry[]): void {
    this.reply(id, namePacket, entries);
  }

  /** VERSION 3 with these extensions. */
  version(extensions: readonly string[] = [], version = 3): void {
    const writer = new ByteWriter();
    writer.uint8(2);
    writer.uint32(version);
    for (const name of extensions) {
      writer.name(name);
      writer.name('1');
    }
    this.raw(framed(writer.take()));
  }

  end(): void {
    this.wire.right.output.end();
  }
}

/** What READ and WRITE ask for. */
export function rangeOf({ type, body }: Asked): { handle: string; offset: number; length: number } {
  const reader = new ByteReader(body, 'TEST');
  const handle = reader.string().toString();
  const offset = reader.uint64();
  return { handle, offset, length: type === 6 ? reader.string().length : reader.uint32() };
}

export function connect(peer: ScriptedPeer, options: Partial<SftpSessionOptions> = {}): Promise<SftpSession> {
  return SftpSession.open(peer.wire.left, { host: 'server', ...options });
}

/** A session with a peer that has shaken hands. */
export async function openSession(
  extensions: readonly string[] = [],
  options: Partial<SftpSessionOptions> = {},
): Promise<{ peer: ScriptedPeer; session: SftpSession }> {
  const peer = new ScriptedPeer();
  const opening = connect(peer, options);
  await peer.next();
  peer.version(extensions);
  return { peer, session: await opening };
}

/** Lets everything happen that needs no more input. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export function isLost(error: unknown): boolean {
  return error instanceof ConnectionError && error.code === 'ERR_CONNECTION_LOST';
}
