import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ServerConfig } from 'ssh2';
import { expect } from 'vitest';
import type { Form, Script } from './hostile-peer.ts';
import { type HostileService, startHostileProgram } from './hostile-program.ts';
import { type Plan, Sandbox } from './hostile-sandbox.ts';
import { startHostileServer } from './hostile-server.ts';
import { type Outcome, sealiftLauncher } from './sealift.ts';
import { createTempDirectory } from './temp.ts';

/** A client that takes longer than this counts as hung. Milliseconds. */
export const HANG_MS = 18_000;

export interface Attack {
  readonly form: Form;
  readonly script: Script;
  /** Options of scp besides `-O` and those that lead to the server. */
  readonly flags?: readonly string[];
  /** Default `h:f out/`. */
  readonly operands?: readonly string[];
  /** What the sandbox holds besides its own. */
  readonly plan?: Plan;
  readonly server?: Partial<ServerConfig>;
  /** Called once the client runs. */
  readonly onStart?: (pid: number, sandbox: Sandbox) => void;
  readonly prepare?: (sandbox: Sandbox) => Promise<void>;
  readonly timeoutMs?: number;
  /** Nobody reads what the client says before it has ended: a pager that waits, a log that is full. */
  readonly stalledStderr?: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

export interface Result extends Outcome {
  /** Standard error as it came. */
  readonly rawStderr: Buffer;
  /** What is different in the sandbox: nothing, if all went well. */
  readonly changes: readonly string[];
  readonly elapsedMs: number;
}

/** The environment of a client: nothing of the person who runs the tests. */
export function clientEnvironment(sandbox: Sandbox): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: sandbox.home, NO_COLOR: '1', TERM: 'dumb', LC_ALL: 'C.UTF-8' };
}

/** Starts the server of an attack in a directory of its own, for as long as `use` takes. */
export async function withHostileService<T>(
  attack: Pick<Attack, 'form' | 'script' | 'server'>,
  use: (service: HostileService) => Promise<T>,
): Promise<T> {
  const directory = await createTempDirectory('peer');
  try {
    const start = attack.form === 'program' ? startHostileProgram : startHostileServer;
    const service = await start(directory.path, attack.script, attack.server);
    try {
      return await use(service);
    } finally {
      await service.stop();
    }
  } finally {
    await directory.remove();
  }
}

/** Runs the built `sealift`, or another program, and keeps its bytes. A client that takes too long is killed: status null. */
export async function runClient(
  words: readonly string[],
  sandbox: Sandbox,
  options: Pick<Attack, 'onStart' | 'timeoutMs' | 'env' | 'stalledStderr'> = {},
): Promise<Outcome & { rawStdout: Buffer; rawStderr: Buffer }> {
  const [program = '', ...args] = words;
  const env = { ...clientEnvironment(sandbox), ...options.env };
  const child = spawn(program, args, { cwd: sandbox.work, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? HANG_MS);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  const readStderr = () => child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  if (options.stalledStderr === true) child.once('exit', readStderr);
  else readStderr();
  if (child.pid !== undefined) options.onStart?.(child.pid, sandbox);
  const [status] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  const [rawStdout, rawStderr] = [Buffer.concat(stdout), Buffer.concat(stderr)];
  return { status, stdout: rawStdout.toString(), stderr: rawStderr.toString(), rawStdout, rawStderr };
}

/** Lets `sealift scp -O` copy from or to a hostile server, in a sandbox, and tells what came of it. */
export async function attack(options: Attack): Promise<Result> {
  const sandbox = await Sandbox.create(options.plan);
  try {
    await options.prepare?.(sandbox);
    return await withHostileService(options, async (service) => {
      const operands = options.operands ?? ['h:f', 'out/'];
      const start = performance.now();
      const words = [
        process.execPath,
        sealiftLauncher,
        'scp',
        '-O',
        ...(options.flags ?? []),
        ...service.args,
        ...operands,
      ];
      const outcome = await runClient(words, sandbox, options);
      return { ...outcome, changes: await sandbox.changes(), elapsedMs: performance.now() - start };
    });
  } finally {
    await sandbox[Symbol.asyncDispose]();
  }
}

/** Controls, format characters, separators and lone surrogates: nothing of it may reach a terminal. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** What a peer must not get onto a terminal, as escapes: characters that act, and bytes that are no UTF-8. */
export function unsafeCharacters(output: Buffer): string[] {
  const text = output.toString();
  const found = [...new Set(text.replaceAll('\n', '').match(unsafe) ?? [])].map(
    (c) => `U+${c.codePointAt(0)?.toString(16)}`,
  );
  return Buffer.from(text).equals(output) ? found : [...found, 'bytes that are no UTF-8'];
}

const stackTrace = /^\s+at .*[:(]|node:internal|UnhandledPromise|ERR_UNHANDLED|SEALIFT_DEBUG|TypeError|RangeError/m;

/** What holds for every end of the client: it came by itself, in time, and told nothing but clean text. */
export function expectCleanEnd(result: Outcome & { rawStderr: Buffer }, what = ''): void {
  expect(
    result.status,
    `${what}: ended by itself; it said ${JSON.stringify(result.stderr.slice(0, 500))}`,
  ).not.toBeNull();
  expect(unsafeCharacters(result.rawStderr), `${what}: stderr`).toEqual([]);
  expect(result.stdout, `${what}: stdout`).toBe('');
  expect(result.stderr, `${what}: no trace of a crash`).not.toMatch(stackTrace);
}

/** As {@link expectCleanEnd}; the client has failed and said why, and nothing has changed anywhere but what is listed. */
export function expectRefused(
  result: Result,
  cause: RegExp | string,
  changes: readonly string[] = [],
  what = '',
): void {
  expectCleanEnd(result, what);
  expect(result.stderr, what).toMatch(cause);
  expect(result.status, `${what}: ${result.stderr}`).toBe(1);
  expect(result.changes, what).toEqual(changes);
}

/** A file that was begun and given up leaves one trace: the time of its directory. */
export const begun: readonly string[] = ['t work/out'];
