import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('proxy-process.mjs', import.meta.url));

/** Starts a delay proxy in a process of its own; the options are those of `startDelayProxy`. */
export async function startProxy(options) {
  const child = fork(program, [JSON.stringify(options)]);
  const ended = once(child, 'exit');
  const first = await Promise.race([once(child, 'message'), ended.then(() => undefined)]);
  if (first === undefined) throw new Error('the delay proxy ended at once');
  return {
    port: first[0],
    /** Connections, cuts, bytes of each direction, and seconds of the processor so far. */
    async stats() {
      child.send('stats');
      const [stats] = await once(child, 'message');
      return stats;
    },
    async stop() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}
