import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { silentLog } from '../../base/log.ts';
import type { RemoteLocation } from '../../copy/location.ts';
import type { CopyObserver } from '../../copy/observer.ts';
import { localTarget } from '../../copy/routes.ts';
import { downloadBySftp, uploadBySftp } from '../../copy/sftp-copy.ts';
import { openSftp } from '../../copy/sftp-open.ts';
import { Survey } from '../../copy/survey.ts';
import { localFileSystem } from '../../files/local.ts';
import { Reporter } from '../report.ts';
import { Connections } from '../scp/connections.ts';
import { parseScpOptions } from '../scp/options.ts';
import { abortOnSignals, Interrupted } from '../signals.ts';
import { compareTrees } from './compare.ts';
import { nextSteps } from './next-steps.ts';
import { type DemoServer, startDemoServer } from './server.ts';
import { DEMO_TREE, makeTree } from './tree.ts';
import { type CopyReport, formatReports, watchCopy } from './watch.ts';

const help = `sealift demo: the main job, for real

usage: sealift demo [--keep] [--transport=auto|ssh|builtin]

Starts a server on a free loopback port with fresh keys, makes a tree of files (1,000 small ones, deep folders, odd names, one
of 256 MiB), copies it to the server and back over SSH, and compares every byte, mode and time. On a terminal the server then
stays until Ctrl-C, for you to try; --keep does the same without a terminal. Everything is in a temporary folder that is removed.

Exit status: 0 when both copies were exact, 1 when not.
`;

/** `sealift demo`. Returns the exit status. */
export async function demoCommand(args: readonly string[]): Promise<number> {
  const reporter = new Reporter('sealift');
  let values: { keep?: boolean; transport?: string; help?: boolean };
  try {
    const options = { keep: { type: 'boolean' }, transport: { type: 'string' }, help: { type: 'boolean' } } as const;
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (error) {
    reporter.error(error);
    return 2;
  }
  if (values.help === true) {
    process.stdout.write(help);
    return 0;
  }
  const { signal, release } = abortOnSignals(1);
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'sealift-demo-')));
  try {
    const stay = values.keep === true || (process.stdin.isTTY === true && process.stdout.isTTY === true);
    return (await new Demo(directory, values.transport ?? 'auto', stay, signal).run()) ? 0 : 1;
  } catch (error) {
    if (error instanceof Interrupted) return 1;
    reporter.error(error);
    return 1;
  } finally {
    release();
    await rm(directory, { recursive: true, force: true });
  }
}

class Demo {
  readonly #directory: string;
  readonly #transport: string;
  readonly #stay: boolean;
  readonly #signal: AbortSignal;

  constructor(directory: string, transport: string, stay: boolean, signal: AbortSignal) {
    this.#directory = directory;
    this.#transport = transport;
    this.#stay = stay;
    this.#signal = signal;
  }

  async run(): Promise<boolean> {
    say('Making a tree: 1,000 small files, deep folders, odd names, one file of 256 MiB');
    const tree = join(this.#directory, 'tree');
    await makeTree(tree, DEMO_TREE);
    this.#signal.throwIfAborted();
    const demo = await startDemoServer(this.#directory);
    try {
      say(`Serving on 127.0.0.1:${demo.server.port} with fresh keys; copying there and back over SSH\n`);
      const exact = await this.#copies(tree, demo);
      process.stdout.write(nextSteps(demo, this.#stay));
      if (this.#stay) await this.#untilSignal();
      return exact;
    } finally {
      await demo.server.close();
    }
  }

  async #copies(tree: string, demo: DemoServer): Promise<boolean> {
    const bytes = (await new Survey({ recursive: true }).run(localFileSystem(), [tree]))?.bytes ?? 0;
    const back = join(this.#directory, 'back');
    const reports = [
      await watchCopy('to the server', bytes, (observer) => this.#copy('up', tree, demo, observer)),
      await watchCopy('and back', bytes, (observer) => this.#copy('down', back, demo, observer)),
    ];
    say(`\n${formatReports(reports)}`);
    const there = await compareTrees(tree, join(demo.root, 'tree'));
    const here = await compareTrees(tree, back);
    this.#signal.throwIfAborted();
    return tellResult([...there.differences, ...here.differences], reports, there.files, there.folders);
  }

  /** As `sealift scp -rp` does it. */
  async #copy(direction: 'up' | 'down', local: string, demo: DemoServer, observer: CopyObserver): Promise<number> {
    const host = 'depot';
    const depot: RemoteLocation = { kind: 'remote', host, path: direction === 'up' ? '.' : 'tree' };
    const scpOptions = parseScpOptions(['-r', '-p', `--transport=${this.#transport}`, '-F', demo.configFile]);
    const connections = new Connections(scpOptions, { log: silentLog, signal: this.#signal });
    const run = { observer, signal: this.#signal };
    const options = { ...run, recursive: true, preserve: true, modeMask: 0o777, targetIsDirectory: false };
    try {
      const link = await openSftp(await connections.get(depot), { host, signal: this.#signal });
      const failures =
        direction === 'up'
          ? await uploadBySftp(localFileSystem(), [local], link.files, depot.path, options)
          : await downloadBySftp(link.files, [depot.path], localTarget(true), local, options);
      await link.close();
      return failures;
    } finally {
      await connections.close();
    }
  }

  async #untilSignal(): Promise<void> {
    if (this.#signal.aborted) return;
    await new Promise<void>((resolve) => {
      const beat = setInterval(() => {}, 60_000);
      this.#signal.addEventListener('abort', () => {
        clearInterval(beat);
        resolve();
      });
    });
    say('\nStopped.');
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function tellResult(
  differences: readonly string[],
  reports: readonly CopyReport[],
  files: number,
  folders: number,
): boolean {
  const failures = reports.flatMap((report) => report.failures);
  for (const line of [...failures, ...differences].slice(0, 20)) say(`  ${line}`);
  if (differences.length === 0 && failures.length === 0) {
    say(
      `Compared ${files.toLocaleString('en')} files in ${folders} folders, there and back: every byte, name, mode and time is the same.`,
    );
    return true;
  }
  say(`${failures.length} failures, ${differences.length} differences.`);
  return false;
}
