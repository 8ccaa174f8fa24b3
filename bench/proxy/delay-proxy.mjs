import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { DelayLine, END, Link, RESET } from './delay-line.mjs';
import { cutter } from './random.mjs';

/** The clock of this machine. Timers are a millisecond coarse: what is due comes out up to one later, and never earlier. */
const systemClock = {
  now: () => performance.now(),
  at(ms, call) {
    const timer = setTimeout(() => call(), Math.max(0, Math.ceil(ms - performance.now())));
    return () => clearTimeout(timer);
  },
};

/**
 * A TCP proxy on loopback that makes a link of it: a round-trip time, a rate that all connections share in each direction, and connections
 * that are cut. Making a connection costs a round trip too, as it does on a link.
 *
 * @param roundTripMs half of it in each direction
 * @param bytesPerSecond in each direction
 * @param cut see `cutter`
 */
export async function startDelayProxy({
  targetPort,
  roundTripMs = 0,
  bytesPerSecond = Number.POSITIVE_INFINITY,
  cut = {},
  clock = systemClock,
}) {
  const link = { delayMs: roundTripMs / 2, bytesPerSecond };
  const [up, down] = [new Link(link), new Link(link)];
  const nextCut = cutter(cut);
  const sockets = new Set();
  const stats = { connections: 0, cuts: 0, bytesUp: 0, bytesDown: 0 };

  function serve(client) {
    stats.connections++;
    let left = nextCut();
    const connectedMs = clock.now() + roundTripMs;
    const upstream = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const lines = [];
    const drop = () => {
      for (const line of lines) line.stop();
      for (const socket of [client, upstream]) socket.resetAndDestroy();
    };
    const deliver = (to, counter) => (item) => {
      if (item === RESET) drop();
      else if (to.destroyed) return true;
      else if (item === END) to.end();
      else {
        stats[counter] += item.length;
        left -= item.length;
        if (left > 0) return to.write(item);
        stats.cuts++;
        drop();
      }
      return true;
    };
    const join = (from, to, linkOfThisWay, counter, opensAtMs) => {
      const line = new DelayLine({
        link: linkOfThisWay,
        clock,
        deliver: deliver(to, counter),
        onRoom: () => from.resume(),
        opensAtMs,
      });
      lines.push(line);
      sockets.add(from);
      let ended = false;
      from.on('data', (chunk) => {
        if (!line.push(chunk)) from.pause();
      });
      from.on('end', () => {
        ended = true;
        line.push(END);
      });
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        if (!ended) line.push(RESET);
      });
      to.on('drain', () => line.resume());
    };
    join(client, upstream, up, 'bytesUp', connectedMs);
    // The server hears of the connection when the client's third packet arrives, and may send from then on.
    join(upstream, client, down, 'bytesDown', connectedMs + roundTripMs / 2);
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    stats,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
