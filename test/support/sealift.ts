import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const launcher = fileURLToPath(new URL('../../bin/sealift', import.meta.url));

/** How a command ended. `status` is null where it was killed, for instance because it hung. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Standard input; closed at once by default. */
  readonly input?: Uint8Array | string;
  /** A command that takes longer counts as hung and is killed. Default 50,000 ms. */
  readonly timeoutMs?: number;
  /** Called once the process runs. */
  readonly onStart?: (pid: number) => void;
}

/** Runs a program to its end, whatever its end is. */
export async function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = spawn(program, args, { cwd: options.cwd, env: options.env ?? process.env, stdio: 'pipe' });
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 50_000);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  if (child.pid !== undefined) options.onStart?.(child.pid);
  const [status] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

/** Runs the built `sealift` of this checkout. */
export function runSealift(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  if (!existsSync(new URL('../../dist/command/main.js', import.meta.url))) throw new Error('not built: npm run build');
  return runProgram(process.execPath, [launcher, ...args], options);
}

/** The launcher, for links and for programs that start it. */
export const sealiftLauncher: string = launcher;
