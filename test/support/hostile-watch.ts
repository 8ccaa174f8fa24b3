import { existsSync, readFileSync } from 'node:fs';

/** Whether this system tells how much memory a process has used. */
export const canWatchMemory: boolean = existsSync('/proc/self/status');

/** What a client may use, whatever a server does. MiB of resident memory; Node itself takes 45 to 70 of them. */
export const MEMORY_LIMIT_MIB = 150;

const POLL_MS = 25;
/** So many polls without any work count as waiting. */
const IDLE_POLLS = 16;

/** Watches the memory of a process and sends it signals. Hand `onStart` to the runner of the process. */
export class Watch {
  #pid: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #signalled: number | undefined;
  #activityBefore: string | undefined;
  #quietPolls = 0;
  /** The most resident memory it has had. MiB. */
  peakMiB = 0;

  readonly onStart = (pid: number): void => {
    this.#pid = pid;
    this.#timer = setInterval(() => this.#measure(), POLL_MS);
  };

  #measure(): void {
    const activity = this.#activity();
    this.#quietPolls = activity === this.#activityBefore && /^(S|$)/.test(activity) ? this.#quietPolls + 1 : 0;
    this.#activityBefore = activity;
    try {
      const status = readFileSync(`/proc/${this.#pid}/status`, 'latin1');
      this.peakMiB = Math.max(this.peakMiB, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      this.#quietPolls = IDLE_POLLS;
      this.stop();
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Whether the process has done nothing but wait for a while; also where it has ended. */
  get isIdle(): boolean {
    return this.#quietPolls >= IDLE_POLLS;
  }

  /** Resolves when the process has been idle for a while from now on, or nobody wants to know any more. */
  async idle(noMore?: AbortSignal): Promise<void> {
    this.#quietPolls = 0;
    while (!this.isIdle && noMore?.aborted !== true) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }

  /** Its state and the time it has worked; empty where it is gone. */
  #activity(): string {
    try {
      const fields = readFileSync(`/proc/${this.#pid}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ');
      return fields[0] === 'Z' ? '' : `${fields[0]} ${fields[11]} ${fields[12]}`;
    } catch {
      return '';
    }
  }

  /** Sends a signal, as a person does with Ctrl-C. */
  signal(name: NodeJS.Signals): void {
    if (this.#pid === undefined) throw new Error('nothing runs');
    this.#signalled ??= performance.now();
    this.#measure();
    try {
      process.kill(this.#pid, name);
    } catch {
      // It ended by itself in the meantime.
    }
  }

  /** How long ago the first signal was sent; undefined where none was. Milliseconds. */
  sinceSignalMs(): number | undefined {
    return this.#signalled === undefined ? undefined : performance.now() - this.#signalled;
  }
}
