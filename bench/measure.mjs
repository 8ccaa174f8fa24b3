import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { endWithUs } from './children.mjs';

const SAMPLE_MS = 100;

/** Node reads the certificates of this variable at each start, which takes longer than the start itself; nothing that is measured uses them. */
const { NODE_EXTRA_CA_CERTS: _certificates, ...inherited } = process.env;

/** The peak resident memory so far of a process and its children together, in KiB; 0 where it cannot be read. */
function peakOf(pid) {
  try {
    const own = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? own : own + children.split(' ').reduce((sum, child) => sum + peakOf(child), 0);
  } catch {
    return 0;
  }
}

/** A program that did not come to its end, and what it said. */
export class ProgramFailure extends Error {}

/**
 * Runs a command to its end under `/usr/bin/time`.
 *
 * @param directory a folder for time's own file
 * @param options `timeoutSeconds` after which it is ended; `sumTree` samples the memory of all its processes together, which takes some time of the processor; `environment`
 * @returns `seconds` on the clock; `processorSeconds` of all its processes; `peakMiB` of the largest of its processes, by wait4; `treeMiB` of all of them together with `sumTree`; `timedOut`
 * @throws ProgramFailure where it ends with another status than 0
 */
export async function measure(command, directory, options = {}) {
  const { timeoutSeconds = 1800, sumTree = false, environment = {} } = options;
  const report = join(directory, 'time');
  const start = performance.now();
  // A group of its own, so that what it started ends with it.
  const child = spawn('/usr/bin/time', ['-f', '%M %U %S', '-o', report, ...command], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    env: { ...inherited, ...environment },
  });
  endWithUs(child, { group: true });
  let said = '';
  child.stderr.on('data', (text) => {
    said = `${said}${text}`.slice(-4000);
  });
  let timedOut = false;
  const timeout = setTimeout(() => {
    timedOut = true;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, timeoutSeconds * 1000);
  let treeKiB = 0;
  const sampler = sumTree
    ? setInterval(() => {
        treeKiB = Math.max(treeKiB, peakOf(child.pid));
      }, SAMPLE_MS)
    : undefined;
  let seconds;
  child.once('exit', () => {
    seconds = (performance.now() - start) / 1000;
  });
  const [status, signal] = await once(child, 'close');
  clearTimeout(timeout);
  clearInterval(sampler);
  if (timedOut) return { seconds: timeoutSeconds, timedOut };
  if (status !== 0) throw new ProgramFailure(`${command.join(' ')}: ended with ${status ?? signal}: ${said.trim()}`);
  const [kibibytes, user, system] = readFileSync(report, 'utf8').trim().split('\n').at(-1).split(' ').map(Number);
  rmSync(report);
  const measured = { seconds, processorSeconds: user + system, peakMiB: kibibytes / 1024 };
  return sumTree ? { ...measured, treeMiB: treeKiB / 1024 } : measured;
}
