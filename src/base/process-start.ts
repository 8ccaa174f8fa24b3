import { readFileSync } from 'node:fs';

/** What Linux tells about a process. */
export interface ProcessStart {
  /** Its number as /proc counts, which may be another one than the process knows where /proc is of another PID namespace. */
  readonly pid: number;
  /** When it was started: clock ticks since the system was, in decimal. With the number it is used once in a boot. */
  readonly ticks: string;
  /** It has ended, and its parent has not asked for its status yet. It does nothing any more. */
  readonly isZombie: boolean;
}

/** When a process was started. Undefined where there is none, or /proc does not tell. */
export function processStart(pid: number | 'self'): ProcessStart | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is a name in parentheses which may hold anything; the state is field 3, the start time field 22 (proc(5)).
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
    const [state = '', ticks] = [fields[0], fields[19]];
    if (ticks === undefined || !/^\d+$/.test(ticks)) return undefined;
    return { pid: Number.parseInt(status, 10), ticks, isZombie: /^[ZXx]$/.test(state) };
  } catch {
    return undefined;
  }
}

/** 32 hex digits that no other start of any system has. Undefined where /proc does not tell. */
export function bootId(): string | undefined {
  try {
    const id = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim().replaceAll('-', '');
    return /^[0-9a-f]{32}$/.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}
