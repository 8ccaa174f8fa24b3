import { setImmediate as nextTurn } from 'node:timers/promises';

/** The two ways a hostile server is reached: as the program of `-S`, and as an SSH server by the built-in transport. */
export const forms = ['program', 'server'] as const;
export type Form = (typeof forms)[number];

/** What a script throws when the client has left: the runner of scripts takes it for their end. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

/** The far end of one copy, in the hands of a test. Strings stand for bytes (latin1). */
export interface HostilePeer {
  /** The command that the client wants to run: `scp -f f`. */
  readonly command: string;
  /** Resolves when the client has closed its side of the channel or the connection. */
  readonly gone: Promise<void>;
  /** Resolves once the bytes are on their way. @throws {ClientGone} */
  send(bytes: string | Uint8Array): Promise<void>;
  /** Writes to standard error. @throws {ClientGone} */
  complain(bytes: string | Uint8Array): Promise<void>;
  /** Waits for exactly that many bytes of the client. @throws {ClientGone} */
  read(count: number): Promise<Buffer>;
  /** Waits for a line of the client, without its line feed. @throws {ClientGone} */
  readLine(): Promise<string>;
  /** Reads and forgets what the client sends, until it sends no more. */
  drain(): Promise<void>;
  /** Ends the output; the input stays open. */
  closeOutput(): void;
  /** Closes its standard input, so that whoever writes to it fails. What SSH has nothing for is done to a program only. */
  closeInput(): void;
  /** From now on no signal but SIGKILL ends the program. */
  ignoreSignals(): void;
  /** Ends with a status. */
  exit(status: number): void;
  /** Ends by a signal: `KILL`. */
  die(signal: string): void;
  /** Vanishes without a word: the program is killed, the TCP connection reset. */
  vanish(): void;
}

/** What a hostile server does. When it returns without an end, the server exits with status 0. */
export type Script = (peer: HostilePeer) => Promise<void>;

/** Sends the bytes without looking at any answer and exits: the way most attacks work. */
export function blindly(bytes: string | Uint8Array, status = 0): Script {
  return async (peer) => {
    await peer.send(bytes);
    peer.exit(status);
  };
}

/** Sends the bytes and then neither sends nor ends, until the client goes. */
export function thenSilence(bytes: string | Uint8Array): Script {
  return async (peer) => {
    await peer.send(bytes);
    await peer.gone;
  };
}

/** Sends the bytes again and again until the client goes, and reads nothing. */
export function endlessly(bytes: string, first: string | Uint8Array = ''): Script {
  return async (peer) => {
    if (first.length > 0) await peer.send(first);
    const block = Buffer.from(bytes.repeat(Math.max(1, Math.floor(65_536 / bytes.length))), 'latin1');
    for (;;) await peer.send(block);
  };
}

/** Sends each byte by itself, in a turn of its own. */
export function byteByByte(bytes: string | Uint8Array): Script {
  return async (peer) => {
    for (const byte of asBytes(bytes)) {
      await peer.send(Buffer.of(byte));
      await nextTurn();
    }
    peer.exit(0);
  };
}

export function asBytes(bytes: string | Uint8Array): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
}

/** Runs a script to its end. Anything but the departure of the client is the test's own error. */
export async function perform(script: Script, peer: HostilePeer): Promise<void> {
  try {
    await script(peer);
    peer.exit(0);
  } catch (error) {
    if (!(error instanceof ClientGone)) throw error;
    peer.exit(0);
  }
}
