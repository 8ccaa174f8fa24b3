// What the delay proxy adds by itself: measured with an echo and a sink behind it, in each run of the bench.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { median } from '../statistics.mjs';
import { startProxy } from './start-proxy.mjs';

const MEBIBYTE = 1024 * 1024;
const PIECE = Buffer.alloc(256 * 1024);

async function listen(serve) {
  const server = createServer({ noDelay: true }, serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** The median round trip of one byte, in milliseconds. */
async function roundTrip(port, times) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const each = [];
  // The first one waits for the connection itself.
  for (let round = 0; round <= times; round++) {
    const started = performance.now();
    socket.write('x');
    await once(socket, 'data');
    if (round > 0) each.push(performance.now() - started);
  }
  socket.destroy();
  return median(each);
}

/** Bytes in a second, from the first that arrives to the last. */
async function throughput(port, sink, bytes) {
  const arrived = new Promise((resolve) => {
    sink.once('connection', (socket) => {
      let first;
      let count = 0;
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        first ??= { at: performance.now(), length: chunk.length };
        count += chunk.length;
        if (count === bytes) resolve((count - first.length) / ((performance.now() - first.at) / 1000));
      });
    });
  });
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  for (let left = bytes; left > 0; left -= PIECE.length) {
    if (!socket.write(left < PIECE.length ? PIECE.subarray(0, left) : PIECE)) await once(socket, 'drain');
  }
  const rate = await arrived;
  socket.destroy();
  return rate;
}

async function throughProxy(options, work) {
  const proxy = await startProxy(options);
  try {
    return await work(proxy.port);
  } finally {
    await proxy.stop();
  }
}

/**
 * @param links those that are going to be measured with, as `{ roundTripMs, bytesPerSecond }`
 * @returns the round trip and the rate of each link as they come out, and what the proxy costs without any
 */
export async function probeProxy(links, mebibytes) {
  const echo = await listen((socket) => socket.on('error', () => {}).pipe(socket));
  const sink = await listen(() => {});
  const [echoPort, sinkPort] = [echo, sink].map((server) => server.address().port);
  try {
    const direct = { roundTripMs: await roundTrip(echoPort, 200) };
    direct.bytesPerSecond = await throughput(sinkPort, sink, mebibytes * MEBIBYTE);
    const probed = [];
    for (const link of [{ roundTripMs: 0 }, ...links]) {
      const { roundTripMs, bytesPerSecond } = link;
      const measured = {
        roundTripMs: await throughProxy({ targetPort: echoPort, ...link }, (port) =>
          roundTrip(port, roundTripMs === 0 ? 200 : 20),
        ),
        bytesPerSecond: await throughProxy({ targetPort: sinkPort, ...link }, (port) =>
          throughput(port, sink, mebibytes * MEBIBYTE),
        ),
      };
      probed.push({ roundTripMs, bytesPerSecond: bytesPerSecond ?? null, measured });
    }
    return { direct, links: probed };
  } finally {
    echo.close();
    sink.close();
  }
}
