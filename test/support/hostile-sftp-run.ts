import { expect } from 'vitest';
import type { Script } from './hostile-peer.ts';
import type { HostileService } from './hostile-program.ts';
import { type Attack, expectCleanEnd, type Result, runClient } from './hostile-run.ts';
import { Sandbox } from './hostile-sandbox.ts';
import { type FakeSftp, type SftpPlan, sftp } from './hostile-sftp-engine.ts';
import { startSftpProgram } from './hostile-sftp-program.ts';
import { type SubsystemPolicy, startSftpServer } from './hostile-sftp-server.ts';
import { MEMORY_LIMIT_MIB, Watch } from './hostile-watch.ts';
import { sealiftLauncher } from './sealift.ts';
import { createTempDirectory } from './temp.ts';

/** The ways to a server: a program of `-D`, one of `-S` in place of ssh, and SSH by the built-in transport. */
export type SftpForm = 'direct' | 'program' | 'server';

/** Where the transport has a part in it; `direct` and `program` differ by their arguments only. */
export const bothTransports: readonly SftpForm[] = ['direct', 'server'];

/** A client that takes longer than this is stuck, however busy the machine is. Milliseconds. */
const STUCK_MS = 15_000;

export interface SftpAttack extends Omit<Attack, 'form' | 'script' | 'server' | 'plan' | 'onStart'> {
  /** Default `direct`. */
  readonly form?: SftpForm;
  /** What the server does; in place of it, `script`. */
  readonly plan?: SftpPlan;
  readonly script?: Script;
  readonly policy?: SubsystemPolicy;
  /** What the sandbox holds besides its own. */
  readonly local?: Readonly<Record<string, string>>;
  /** The option that asks for the protocol. Default `-s`. */
  readonly protocol?: readonly string[];
  readonly watch?: Watch;
}

export interface SftpResult extends Result {
  readonly peakMiB: number;
  /** From the first signal to the end; undefined where none was sent. */
  readonly sinceSignalMs: number | undefined;
  /** The server of each connection. */
  readonly servers: readonly FakeSftp[];
}

async function start(directory: string, attack: SftpAttack, script: Script): Promise<HostileService> {
  const form = attack.form ?? 'direct';
  if (form === 'server') return await startSftpServer(directory, script, attack.policy);
  return await startSftpProgram(directory, script, form === 'direct' ? '-D' : '-S');
}

async function run(options: SftpAttack, sandbox: Sandbox, directory: string): Promise<SftpResult> {
  const servers: FakeSftp[] = [];
  const script = options.script ?? sftp(options.plan, servers);
  const watch = options.watch ?? new Watch();
  const service = await start(directory, options, script);
  try {
    const begin = performance.now();
    const words = [
      process.execPath,
      sealiftLauncher,
      'scp',
      ...(options.protocol ?? ['-s']),
      ...(options.flags ?? []),
      ...service.args,
      ...(options.operands ?? ['h:f', 'out/']),
    ];
    const outcome = await runClient(words, sandbox, { timeoutMs: STUCK_MS, ...options, onStart: watch.onStart });
    const elapsedMs = performance.now() - begin;
    const sinceSignalMs = watch.sinceSignalMs();
    const changes = await sandbox.changes();
    return { ...outcome, changes, elapsedMs, peakMiB: watch.peakMiB, sinceSignalMs, servers };
  } finally {
    watch.stop();
    await service.stop();
  }
}

/** Lets `sealift scp` copy by SFTP from or to a hostile server, in a sandbox, and tells what came of it. */
export async function attackSftp(options: SftpAttack): Promise<SftpResult> {
  await using sandbox = await Sandbox.create(options.local);
  await options.prepare?.(sandbox);
  await using directory = await createTempDirectory('peer');
  return await run(options, sandbox, directory.path);
}

/** What holds for every end: it came by itself and in time, told nothing but clean text, and took little memory. */
export function expectSftpEnd(result: SftpResult, what = ''): void {
  expectCleanEnd(result, what);
  expect(result.peakMiB, `${what}: MiB`).toBeLessThan(MEMORY_LIMIT_MIB);
  expect(
    result.changes.filter((line) => line.includes('.sealift-part')),
    `${what}: leftovers`,
  ).toEqual([]);
}

/** As {@link expectSftpEnd}; the client has failed and said why, and nothing has changed but what is listed. */
export function expectSftpRefused(result: SftpResult, cause: RegExp, changes: readonly string[] = [], what = ''): void {
  expectSftpEnd(result, what);
  expect(result.stderr, what).toMatch(cause);
  expect([1, 255], `${what}: status ${result.status}, ${result.stderr}`).toContain(result.status);
  expect(result.changes, what).toEqual(changes);
}

/** As {@link expectSftpEnd}; the copy went well in spite of all. */
export function expectSftpCopied(result: SftpResult, changes: readonly string[], what = ''): void {
  expectSftpEnd(result, what);
  expect(result, what).toMatchObject({ status: 0, stderr: '', changes });
}

/** What is there after `f` of {@link defaultTree} has been copied to `out/`. */
export const landedF: readonly string[] = ['! work/out/f: file 640 "X\\n"', 't work/out'];
