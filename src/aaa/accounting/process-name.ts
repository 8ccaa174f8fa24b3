import { bootId, processStart } from '../../base/process-start.ts';

/**
 * A name for a process that no other one on this machine ever has: its number and, where /proc tells, the time it was started at since which boot. For names of journals.
 */
export function describeProcess(pid: number): string {
  return `${pid}-${startOf(pid) ?? 'unknown'}`;
}

/** Whether the process that gave a name is still there; what follows a `_` in the name does not count. Where /proc is missing nobody can say, and it counts as gone. */
export function isProcessAlive(name: string): boolean {
  const parts = /^(\d{1,10})-([^_]+)/.exec(name);
  return parts !== null && parts[2] !== 'unknown' && startOf(Number(parts[1])) === parts[2];
}

function startOf(pid: number): string | undefined {
  const boot = bootId();
  const start = processStart(pid);
  return boot === undefined || start === undefined ? undefined : `${boot.slice(0, 12)}.${start.ticks}`;
}
