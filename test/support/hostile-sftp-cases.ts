import { setImmediate as nextTurn } from 'node:timers/promises';
import { asBytes, type HostilePeer, type Script } from './hostile-peer.ts';
import { type SftpPlan, sftp } from './hostile-sftp-engine.ts';

/** Escape sequences, controls, bidirectional and invisible characters; none of them ends a line or a name. */
export const evilCharacters =
  '\x1b[2J\x1b]0;owned\x07\x9b31m\x90q\x9c\r\b\x7f\u202e\u2066\u200f\u200b\ufeff\u2028\u2029\u00ad\u{e0041}';

/** The same as bytes, in a string of latin1, with bytes that are no UTF-8. */
export const evil: string = Buffer.concat([
  Buffer.from(`FAKE ${evilCharacters}`),
  Buffer.from([0x9b, 0x33, 0x6d, 0xff, 0xc0, 0xaf, 0xed, 0xa0, 0x80]),
]).toString('latin1');

/** A peer like another one, but for some of what it can do. */
export function like(peer: HostilePeer, other: Partial<HostilePeer>): HostilePeer {
  return new Proxy(peer, {
    get(target, name) {
      const own = Reflect.get(other, name) as unknown;
      if (own !== undefined) return own;
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}

/** A server whose every byte goes out by itself, in a turn of its own. */
export function byOnes(plan: SftpPlan): Script {
  return async (peer) => {
    const send = async (bytes: string | Uint8Array): Promise<void> => {
      for (const byte of asBytes(bytes)) {
        await peer.send(Buffer.of(byte));
        await nextTurn();
      }
    };
    await sftp(plan)(like(peer, { send }));
  };
}
