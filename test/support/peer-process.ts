import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from './sshd.ts';

/** How long a server may take to listen: Python's start slowly on a busy machine. */
const START_TIMEOUT_MS = 30_000;
const START_ATTEMPTS = 5;
/** More of a log tells nothing new. Characters. */
const MAX_LOG = 256 * 1024;

/** A server of another project that runs until it is stopped. */
export interface PeerProcess {
  readonly port: number;
  /** What it said so far, on both streams. */
  log(): string;
  /** Kills it and all it has started. Idempotent. */
  stop(): Promise<void>;
}

export interface PeerProcessOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/**
 * Starts a server on a free port of 127.0.0.1 and resolves once it takes connections. It is tried again with another port where it ends at once, as it does when somebody else took
 * the port in the meantime.
 */
export async function startPeerProcess(
  program: string,
  args: (port: number) => readonly string[] | Promise<readonly string[]>,
  options: PeerProcessOptions = {},
): Promise<PeerProcess> {
  let log = '';
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt++) {
    const port = await freePort();
    const child = spawn(program, await args(port), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: options.env,
      cwd: options.cwd,
    });
    const hear = (chunk: Buffer): void => {
      if (log.length < MAX_LOG) log += chunk.toString('latin1');
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', (error) => {
      log += `${error.message}\n`;
    });
    if (await listens(child, port)) return { port, log: () => log, stop: () => killTree(child) };
    await killTree(child);
  }
  throw new Error(`${program} did not start: ${log}`);
}

async function listens(child: ChildProcess, port: number): Promise<boolean> {
  const end = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < end && child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    if (await takesConnections(port)) return true;
    await pause(25);
  }
  return false;
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return await new Promise((resolve) => {
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** The pids of a process's descendants. Linux only; elsewhere empty. */
async function descendants(pid: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc').catch(() => [])) {
    const stat = /^\d+$/.test(name) ? await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '') : '';
    const parent = /^\d+ \(.*\) \S (\d+)/s.exec(stat)?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const found = [pid];
  for (const parent of found) for (const [child, of] of parents) if (of === parent) found.push(child);
  return found.slice(1);
}

async function killTree(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  for (const pid of [child.pid, ...(await descendants(child.pid))]) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself in the meantime.
    }
  }
  await exited;
}
