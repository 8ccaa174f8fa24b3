import { bootId, type ProcessStart, processStart } from '../../base/process-start.ts';

/**
 * A name for a process that no other one on this machine ever has: its number and, where /proc tells, the time it was started at since which boot. For names of journals.
 */
export function describeProcess(pid: number): string {
  return `${pid}-${startOf(processStart(pid)) ?? 'unknown'}`;
}

/** Whether the process that gave a name still runs; what follows a `_` in the name does not count. Where /proc is missing nobody can say, and it counts as gone. */
export function isProcessAlive(name: string): boolean {
  const parts = /^(\d{1,10})-([^_]+)/.exec(name);
  if (parts === null || parts[2] === 'unknown') return false;
  const start = processStart(Number(parts[1]));
  return start?.isZombie === false && startOf(start) === parts[2];
}

function startOf(start: ProcessStart | undefined): string | undefined {
  const boot = bootId();
  return boot === undefined || start === undefined ? undefined : `${boot.slice(0, 12)}.${start.ticks}`;
}
