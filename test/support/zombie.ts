import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { vi } from 'vitest';
import { processStart } from '../../src/base/process-start.ts';

/** A process that has ended and whose parent does not ask for its status. */
export interface Zombie {
  readonly pid: number;
  /** Ends the parent. */
  end(): Promise<void>;
}

export async function makeZombie(): Promise<Zombie> {
  // The shell becomes a program that knows of no children.
  const parent: ChildProcess = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  for await (const data of parent.stdout as AsyncIterable<Buffer>) {
    text += data.toString();
    if (text.endsWith('\n')) break;
  }
  const pid = Number(text);
  await vi.waitUntil(() => processStart(pid)?.isZombie === true, { interval: 5, timeout: 10_000 });
  return {
    pid,
    async end() {
      const exited = once(parent, 'exit');
      parent.kill('SIGKILL');
      await exited;
    },
  };
}
