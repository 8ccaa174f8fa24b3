import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/base/errors.ts';
import { type PacketReceiver, PacketStream } from '../../src/sftp/packet-stream.ts';
import { cutAt } from '../support/streams.ts';
import { framed } from './scripted-peer.ts';

/** Writes down what it gets. */
class Recorder implements PacketReceiver {
  readonly seen: string[] = [];
  readonly stream: PacketStream = new PacketStream(this, { maxPacketBytes: 1000 });
  largestPiece = 0;
  #data: Buffer[] = [];

  packet(type: number, body: Buffer): void {
    this.seen.push(`${type} ${body.toString('hex')}`);
  }

  dataBegins(id: number, length: number): void {
    this.#data = [];
    this.seen.push(`data ${id} ${length}`);
  }

  data(chunk: Buffer, start: number, end: number): void {
    this.#data.push(chunk.subarray(start, end));
    this.largestPiece = Math.max(this.largestPiece, end - start);
  }

  dataEnds(): void {
    this.seen.push(`content ${Buffer.concat(this.#data).toString('hex')}`);
  }
}

const status = framed(Buffer.from('650000000700000000', 'hex'));
const data = framed(Buffer.from('670000000800000003616263', 'hex'));
const emptyData = framed(Buffer.from('670000000900000000', 'hex'));
const expected = ['101 0000000700000000', 'data 8 3', 'content 616263', '101 0000000700000000', 'data 9 0', 'content '];
const all = Buffer.concat([status, data, status, emptyData]);

describe('a stream of packets', () => {
  it('is cut into packets and content', () => {
    const recorder = new Recorder();
    recorder.stream.push(all);
    expect(recorder.seen).toEqual(expected);
    expect(recorder.stream.isInside).toBe(false);
  });

  it('gives the same however it is cut into chunks', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: all.length })), (places) => {
        const recorder = new Recorder();
        for (const chunk of cutAt(all, places)) recorder.stream.push(chunk);
        expect(recorder.seen).toEqual(expected);
      }),
    );
  });

  it('gives a result or a ProtocolError for any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), fc.boolean(), (chunks, afterOne) => {
        const recorder = new Recorder();
        if (afterOne) recorder.stream.push(status);
        try {
          for (const chunk of chunks) recorder.stream.push(Buffer.from(chunk));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });

  it.each([
    ['an empty packet', '00000000', 'an empty packet'],
    ['a packet that is too long', '000003e9', 'a packet of 1001 bytes is too long'],
    ['an absurd length', 'ffffffff', 'a packet of 4294967295 bytes is too long'],
    ['DATA whose content is longer than the packet', '0000000a67000000010000000261', 'DATA is cut short'],
    ['DATA shorter than its fields', '0000000567000000010000000061', 'DATA is cut short'],
    ['DATA with bytes behind its content', '0000000b6700000001000000016162', 'DATA has 1 bytes too many'],
  ])('refuses %s before anything is allocated for it', (_, hex, message) => {
    const recorder = new Recorder();
    recorder.stream.push(status);
    expect(() => recorder.stream.push(Buffer.from(hex, 'hex'))).toThrow(message);
  });

  it('takes a packet of exactly the limit', () => {
    const recorder = new Recorder();
    recorder.stream.push(framed(Buffer.alloc(1000, 1)));
    expect(recorder.seen).toEqual([`1 ${'01'.repeat(999)}`]);
  });

  it('stops in the middle of a chunk', () => {
    const recorder = new Recorder();
    recorder.packet = () => recorder.stream.stop();
    recorder.stream.push(all);
    expect(recorder.seen).toEqual([]);
  });

  it.each([
    ['Welcome to server\r\nmore', '"Welcome to server"'],
    ['\n\n  You have mail.\n', '"You have mail."'],
    ['\u001b[2Jhello\n', '"\\033[2Jhello"'],
    ['x'.repeat(2000), `"${'x'.repeat(120)}…"`],
  ])('names the text of a talkative shell: %j', (text, shown) => {
    for (const chunks of [[Buffer.from(text)], Array.from(Buffer.from(text), (byte) => Buffer.of(byte))]) {
      const { stream } = new Recorder();
      const push = (): void => {
        for (const chunk of chunks) stream.push(chunk);
      };
      expect(push).toThrow(`the remote shell printed ${shown} where the SFTP protocol should begin`);
    }
  });

  it('knows text that has not come to the end of its line', () => {
    const { stream } = new Recorder();
    stream.push(Buffer.from('He'));
    expect(stream.noise?.toString()).toBe('He');
    stream.push(Buffer.from('llo'));
    expect(stream.noise?.toString()).toBe('Hello');
  });

  it('does not take a long packet for text later', () => {
    const { stream } = new Recorder();
    stream.push(status);
    expect(() => stream.push(Buffer.from('Welcome\n'))).toThrow('is too long');
  });
});
