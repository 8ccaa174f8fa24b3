import { readFileSync } from 'node:fs';

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
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').replaceAll('-', '').slice(0, 12);
    const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is a name in parentheses which may hold anything; the start time is field 22.
    const ticks = status.slice(status.lastIndexOf(')') + 2).split(' ')[19];
    return ticks !== undefined && /^\d+$/.test(ticks) ? `${boot}.${ticks}` : undefined;
  } catch {
    return undefined;
  }
}
