import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net';
import { ConnectionError } from '../base/errors.ts';
import { formatListenAddress, type ListenAddress } from './listen-address.ts';

/** A socket that somebody else has bound and handed over (systemd's socket activation). */
export interface InheritedSocket {
  /** A file descriptor that listens. */
  readonly fd: number;
}

/** What can be listened on. */
export type ListenOn = ListenAddress | InheritedSocket;

interface Entry {
  readonly wanted: string;
  readonly listener: NetServer;
  readonly address: ListenAddress;
}

/** The sockets a server listens on. They can be changed while it runs: what is in both lists is never closed. */
export class Listeners {
  readonly #accept: (socket: Socket) => void;
  readonly #failed: (error: Error) => void;
  #entries: readonly Entry[] = [];

  /** @param failed told what accepting fails with */
  constructor(accept: (socket: Socket) => void, failed: (error: Error) => void) {
    this.#accept = accept;
    this.#failed = failed;
  }

  /** In the order in which they were wanted, with the ports that port 0 became. */
  get addresses(): readonly ListenAddress[] {
    return this.#entries.map(({ address }) => address);
  }

  /**
   * Listens on these and on nothing else.
   *
   * @throws {ConnectionError} where one cannot be listened on: then nothing has changed.
   */
  async change(wanted: readonly ListenOn[]): Promise<void> {
    const old = [...this.#entries];
    const entries: Entry[] = [];
    const fresh: Entry[] = [];
    try {
      for (const one of wanted) {
        const key = keyOf(one);
        const at = old.findIndex((entry) => entry.wanted === key || formatListenAddress(entry.address) === key);
        const kept = at < 0 ? undefined : old.splice(at, 1)[0];
        const entry = kept === undefined ? await this.#bind(one, key) : { ...kept, wanted: key };
        entries.push(entry);
        if (kept === undefined) fresh.push(entry);
      }
    } catch (error) {
      await Promise.all(fresh.map(closed));
      throw error;
    }
    this.#entries = entries;
    await Promise.all(old.map(closed));
  }

  async #bind(on: ListenOn, wanted: string): Promise<Entry> {
    const listener = createServer((socket) => this.#accept(socket));
    return await new Promise((resolve, reject) => {
      listener.once('error', (cause) => reject(listenError(on, cause)));
      const bound = (): void => {
        listener.removeAllListeners('error');
        // Accepting can fail for want of descriptors; the server goes on.
        listener.on('error', (error) => this.#failed(error));
        const { address, port } = listener.address() as AddressInfo;
        resolve({ wanted, listener, address: { address, port } });
      };
      if ('fd' in on) listener.listen({ fd: on.fd }, bound);
      else {
        const { address: host, port } = on;
        listener.listen({ host, port, backlog: 511, ipv6Only: host.includes(':') }, bound);
      }
    });
  }

  /** Takes no more connections. */
  async close(): Promise<void> {
    const entries = this.#entries;
    this.#entries = [];
    await Promise.all(entries.map(closed));
  }
}

/** Two addresses with port 0 are two sockets, but a list that is read again has the same one. */
function keyOf(on: ListenOn): string {
  return 'fd' in on ? `fd ${on.fd}` : formatListenAddress(on);
}

function closed({ listener }: Entry): Promise<void> {
  return new Promise((resolve) => listener.close(() => resolve()));
}

function listenError(on: ListenOn, cause: NodeJS.ErrnoException): ConnectionError {
  const fail = (reason: string, cure?: string): ConnectionError =>
    new ConnectionError('fd' in on ? `descriptor ${on.fd}` : formatListenAddress(on), 'open', reason, { cause, cure });
  switch (cause.code) {
    case 'EADDRINUSE':
      return fail('address already in use', 'choose another port, or stop what listens there');
    case 'EACCES':
      return fail('Permission denied', 'ports below 1024 are for root; choose another one');
    case 'EADDRNOTAVAIL':
      return fail('this machine does not have that address', 'listen on an address of this machine');
    default:
      return fail(cause.message);
  }
}
