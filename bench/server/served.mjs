// The server under measurement, in a process of its own: node --expose-gc bench/server/served.mjs, started by server-process.mjs. It answers `sample` with what it holds.
import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import { listen, loadHostKeys } from '../../dist/index.js';

const { folder, state, authorizedKey, limits } = JSON.parse(process.argv[2]);
const { keys: hostKeys } = await loadHostKeys(state);
const server = await listen({
  hostKeys,
  users: [{ name: 'bench', authorizedKeys: [authorizedKey] }],
  root: folder,
  durable: false,
  listen: [{ address: '127.0.0.1', port: 0 }],
  loginGuard: { penalties: false },
  limits,
});
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

async function settledMemory() {
  for (let round = 0; round < 4; round++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return process.memoryUsage();
}

/** Compiled code apart: the engine goes on compiling what runs often for thousands of transfers, and two heap snapshots show that this is all that grows. Bytes. */
function heapWithoutCode({ heapUsed }) {
  const code = getHeapSpaceStatistics().filter(({ space_name: name }) => name.startsWith('code_'));
  return code.reduce((left, { space_used_size: size }) => left - size, heapUsed);
}

const answers = {
  /** What is held once garbage is collected. Bytes, milliseconds. */
  async sample() {
    const loop = { p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 };
    const memory = await settledMemory();
    const { rss, external } = memory;
    const heapUsed = heapWithoutCode(memory);
    const descriptors = readdirSync('/proc/self/fd').length;
    delay.reset();
    return { rss, heapUsed, external, descriptors, connections: server.connections, loop };
  },
  /** Resident memory as it is, garbage included. Bytes. */
  async resident() {
    return process.memoryUsage.rss();
  },
  async stop() {
    await server.close();
    setImmediate(() => process.disconnect());
  },
};

process.on('message', ({ id, ask }) => {
  void answers[ask]().then((answer) => process.send({ id, answer }));
});
process.on('disconnect', () => process.exit());
process.send({ id: 0, answer: server.port });
