import type { Connection, ServerChannel, Session } from 'ssh2';
import { decodeName } from '../base/byte-name.ts';

/*
 * The few things of ssh2 1.17 that a server cannot do without and that have no public name. All access is here, each piece is optional, and a test sees to
 * it that the installed version still has them.
 */

/** What is used of ssh2's Protocol object. */
interface Protocol {
  /** Handles one decrypted payload. Every key exchange takes the function anew from here. */
  _onPayload?: (payload: Buffer) => unknown;
  /** Our KEXINIT, while a key exchange is under way. */
  readonly _kexinit?: Buffer;
  /** Packets that wait for a key exchange to end. */
  readonly _queue?: readonly unknown[];
  readonly _handlers?: {
    CHANNEL_REQUEST?: (protocol: Protocol, recipient: number, type: string, wantReply: boolean, data: unknown) => void;
  };
  channelFailure?(channel: number): void;
  channelClose?(channel: number): void;
}

interface ClientInternals {
  readonly _protocol?: Protocol;
  readonly _chanMgr?: { get?(id: number): unknown; remove?(id: number): void };
}

interface SessionInternals {
  readonly _channel?: unknown;
  readonly _chanInfo?: {
    readonly incoming?: { readonly id?: number };
    readonly outgoing?: { readonly id?: number; readonly packetSize?: number };
  };
}

/** The internals of one connection. */
export class Ssh2Internals {
  readonly #client: ClientInternals;
  #payload: Buffer | undefined;

  /** Must be made before the first key exchange ends: in the `connection` event. */
  constructor(client: Connection) {
    this.#client = client as unknown as ClientInternals;
    this.#watchPayloads();
    this.#answerLateRequests();
  }

  #watchPayloads(): void {
    const protocol = this.#client._protocol;
    const original = protocol?._onPayload;
    if (protocol === undefined || original === undefined) return;
    protocol._onPayload = (payload) => {
      this.#payload = payload;
      return original(payload);
    };
  }

  /** A request that wants a reply gets none from ssh2 once the channel runs a command. RFC 4254 section 5.4 asks for one, and PuTTY waits for it. */
  #answerLateRequests(): void {
    const handlers = this.#client._protocol?._handlers;
    const original = handlers?.CHANNEL_REQUEST;
    if (handlers === undefined || original === undefined) return;
    handlers.CHANNEL_REQUEST = (protocol, recipient, type, wantReply, data) => {
      const session = this.#client._chanMgr?.get?.(recipient) as SessionInternals | undefined;
      const remote = session?._chanInfo?.outgoing?.id;
      if (session?._channel === undefined || remote === undefined) original(protocol, recipient, type, wantReply, data);
      else if (wantReply) protocol.channelFailure?.(remote);
    };
  }

  /** True while packets are held back by a key exchange. */
  get isRekeying(): boolean {
    return this.#client._protocol?._kexinit !== undefined;
  }

  /** How many packets wait for a key exchange to end. */
  get queuedPackets(): number {
    return this.#client._protocol?._queue?.length ?? 0;
  }

  /**
   * The command of the exec request that is being handled, in the form of byte-name.ts: ssh2 hands over text in which bytes that are not UTF-8 are lost.
   *
   * @param asText what ssh2 made of it
   */
  execCommand(asText: string): string {
    const bytes = this.#payload === undefined ? undefined : execBytes(this.#payload);
    return bytes?.toString('utf8') === asText ? decodeName(bytes) : asText;
  }

  /** Answers the close of a session that ran no command: ssh2 neither answers it nor forgets the channel. */
  closeUnused(session: Session): void {
    const { _channel, _chanInfo } = session as unknown as SessionInternals;
    const local = _chanInfo?.incoming?.id;
    const remote = _chanInfo?.outgoing?.id;
    if (_channel !== undefined || local === undefined || remote === undefined) return;
    this.#client._protocol?.channelClose?.(remote);
    this.#client._chanMgr?.remove?.(local);
  }

  /** The largest packet the client takes on a channel, in bytes. */
  packetBytes(channel: ServerChannel): number {
    return (channel as unknown as { outgoing?: { packetSize?: number } }).outgoing?.packetSize ?? 32_768;
  }
}

const SSH_MSG_CHANNEL_REQUEST = 98;

/** `byte 98, uint32 recipient, string "exec", boolean want reply, string command` (RFC 4254 section 6.5). */
function execBytes(payload: Buffer): Buffer | undefined {
  if (payload.length < 9 || payload[0] !== SSH_MSG_CHANNEL_REQUEST) return undefined;
  const typeLength = payload.readUInt32BE(5);
  const commandAt = 9 + typeLength + 1 + 4;
  if (commandAt > payload.length || payload.toString('latin1', 9, 9 + typeLength) !== 'exec') return undefined;
  const length = payload.readUInt32BE(commandAt - 4);
  return commandAt + length <= payload.length ? payload.subarray(commandAt, commandAt + length) : undefined;
}
