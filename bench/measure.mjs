import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const SAMPLE_MS = 20;

/** The peak resident memory so far of a process and its children, in KiB; 0 where it cannot be read. */
function peakOf(pid) {
  try {
    const own = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? own : own + children.split(' ').reduce((sum, child) => sum + peakOf(child), 0);
  } catch {
    return 0;
  }
}

/** Runs a command to its end: wall time in seconds and peak memory of it and what it started. Throws where it fails. */
export async function measure([program, ...args]) {
  const start = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  let peakKiB = 0;
  const timer = setInterval(() => {
    peakKiB = Math.max(peakKiB, peakOf(child.pid));
  }, SAMPLE_MS);
  const status = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
  const seconds = (performance.now() - start) / 1000;
  clearInterval(timer);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ended with ${status}`);
  return { seconds, peakKiB };
}
