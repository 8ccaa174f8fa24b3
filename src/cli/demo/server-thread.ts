import { parentPort, workerData } from 'node:worker_threads';
import { loadHostKeys } from '../../server/host-keys.ts';
import { listen } from '../../server/server.ts';

/** What the thread is started with. */
export interface ServerThreadData {
  readonly address: string;
  readonly root: string;
  /** The folder of the host keys. */
  readonly state: string;
  readonly user: string;
  readonly authorizedKey: string;
}

/*
 * The server of the demonstration in a thread of its own: its first message is the port, any message to it ends it. In one thread with the client each would wait while the other enciphers.
 */

const { address, root, state, user, authorizedKey } = workerData as ServerThreadData;
const { keys: hostKeys } = await loadHostKeys(state);
const server = await listen({
  hostKeys,
  users: [{ name: user, authorizedKeys: [authorizedKey] }],
  root,
  // All of it is thrown away at the end: waiting for the disk a thousand times would show nothing.
  durable: false,
  listen: [{ address, port: 0 }],
});
parentPort?.once('message', () => void server.close());
parentPort?.postMessage(server.port);
