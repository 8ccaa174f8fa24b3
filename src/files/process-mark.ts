import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, platform, uptime } from 'node:os';
import { bootId, processStart } from '../base/process-start.ts';

/**
 * What has become of the process that a mark names. `rebooted`: the mark is of an earlier boot of what looks like this machine. `foreign`: it is of another machine or another PID namespace, or of an older version, and nobody here can tell.
 */
export type Fate = 'runs' | 'gone' | 'rebooted' | 'foreign';

/** Tells files of this process from those of others, those of processes that are gone, and those of other machines and containers. */
export interface ProcessMark {
  /** In names of files that this process makes. It is used once: also a later process with the same number has another one. */
  readonly id: string;
  /** @param id as another process, or this one, has put it into a name */
  fateOf(id: string): Fate;
  /** When this system was started, milliseconds since 1970, as its clock says now. */
  bootedMs(): number;
}

/** What marks are made from. */
export interface ProcessView {
  readonly pid: number;
  /** The machine and the PID namespace: numbers of processes mean something within one of them only. The same after a reboot. */
  readonly place: string;
  /** One start of the system. Undefined where nobody tells. */
  readonly boot: string | undefined;
  /** Whether a process with this number runs, of whatever kind. */
  isAlive(pid: number): boolean;
  /** When a process was started, in clock ticks. Undefined where nobody tells. */
  startOf(pid: number): string | undefined;
  bootedMs(): number;
}

const mark = /^([0-9a-f]{12})-([0-9a-f]{8})-(\d{1,10})-(\d{1,20})-([0-9a-f]{8})$/;

const UNTOLD_BOOT = '00000000';
const UNTOLD_START = '0';

/** The mark of the process that a view describes. Each call gives another one. */
export function createProcessMark(view: ProcessView): ProcessMark {
  const place = hash(view.place, 12);
  const boot = view.boot === undefined ? UNTOLD_BOOT : hash(view.boot, 8);
  const start = view.startOf(view.pid) ?? UNTOLD_START;
  const id = [place, boot, view.pid, start, randomBytes(4).toString('hex')].join('-');
  return {
    id,
    bootedMs: () => view.bootedMs(),
    fateOf(other) {
      if (other === id) return 'runs';
      const [, itsPlace, itsBoot = '', digits, itsStart] = mark.exec(other) ?? [];
      if (itsPlace !== place) return 'foreign';
      if (itsBoot !== boot && ![itsBoot, boot].includes(UNTOLD_BOOT)) return 'rebooted';
      const pid = Number(digits);
      // Our number: an earlier process, unless it was started when we were. Then it is ourselves in another thread, or by another copy of this module.
      if (pid === view.pid) return start !== UNTOLD_START && itsStart === start ? 'runs' : 'gone';
      if (!view.isAlive(pid)) return 'gone';
      const now = view.startOf(pid);
      const isOther = now !== undefined && itsStart !== UNTOLD_START && now !== itsStart;
      return isOther ? 'gone' : 'runs';
    },
  };
}

function hash(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

/**
 * The name of the host counts too: machines that were copied from one image may have the same machine-id. Where Linux does not tell the namespace, everybody else is in another one.
 */
function placeOfThis(): string {
  const parts = [hostname(), readText('/etc/machine-id')];
  for (const namespace of ['pid', 'time']) {
    try {
      parts.push(readlinkSync(`/proc/self/ns/${namespace}`));
    } catch {
      parts.push(platform() === 'linux' && namespace === 'pid' ? randomBytes(16).toString('hex') : '');
    }
  }
  return parts.join('\n');
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return '';
  }
}

const self = processStart('self');
/** Where /proc is of another PID namespace than this process, it tells about others than we ask for. */
const isOurProc = self?.pid === process.pid;

/** This process. */
export const thisProcess: ProcessMark = createProcessMark({
  pid: process.pid,
  place: placeOfThis(),
  boot: bootId(),
  isAlive(pid) {
    // Its parent may take its time to hear of the end, or, as the first process of a container, never ask.
    if (isOurProc && processStart(pid)?.isZombie === true) return false;
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      // EPERM: it runs, and belongs to somebody else.
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  },
  startOf: (pid) => (isOurProc ? processStart(pid)?.ticks : undefined),
  bootedMs: () => Date.now() - uptime() * 1000,
});
