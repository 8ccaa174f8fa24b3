import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { needsPeer } from '../peers.ts';
import { sealiftLauncher } from '../sealift.ts';
import { generateKey, type RunningSshd, startSshd } from '../sshd.ts';
import { createTempDirectory } from '../temp.ts';
import type { Case, Variant } from './case.ts';
import { sidesOf } from './case.ts';
import type { Result } from './judge.ts';
import { type Seen, type Snapshot, snapshot } from './snapshot.ts';
import { bytesOf, plant } from './tree.ts';

/** Which scp runs. `ours` is found under the name `scp`. */
export type Program = 'reference' | 'ours' | 'ours with the built-in transport';

/** How long one copy may take; what takes longer counts as hung. */
const COPY_TIMEOUT_MS = 15_000;
const SLOTS = 4;
const HOSTS = { server: 'remote', other: 'other' } as const;

/** Places where cases run, one case at a time each. The paths stay the same, so both programs see the same names. */
export interface Ground extends AsyncDisposable {
  /** Holds a place while a case is run in it, each time in a fresh sandbox; without a program nothing is run. */
  hold<T>(of: Case, variant: Variant, work: (run: (program?: Program) => Promise<Result>) => Promise<T>): Promise<T>;
}

interface Slot {
  readonly directory: string;
  readonly configFile: string;
}

/**
 * Starts one sshd and makes the sandboxes. Each has two hosts: `server`, whose sessions start in `remote`, and `other`, whose start in
 * `other`; the key tells which. An ssh connection stays open for each (ControlPath), which makes the table four times as fast.
 */
export async function startGround(): Promise<Ground> {
  const temp = await createTempDirectory('diff');
  const masters: ChildProcess[] = [];
  let sshd: RunningSshd | undefined;
  const stop = async (): Promise<void> => {
    for (const master of masters) master.kill();
    await sshd?.stop();
    await temp.remove();
  };
  try {
    await chmod(temp.path, 0o755);
    await mkdir(join(temp.path, 'bin'));
    await symlink(sealiftLauncher, join(temp.path, 'bin', 'scp'));
    const enter = await writeEntry(temp.path);
    const slots = Array.from({ length: SLOTS }, (_, i) => join(temp.path, String(i)));
    const authorizedKeys: string[] = [];
    for (const slot of slots) {
      await mkdir(join(slot, 'bin'), { recursive: true });
      for (const [host, start] of Object.entries(HOSTS)) {
        const key = await generateKey(join(slot, `key-${host}`), 'ed25519');
        authorizedKeys.push(`command="${enter} ${slot} ${start}" ${key}`);
      }
    }
    const server = await startSshd({ authorizedKeys });
    sshd = server;
    const ready = await Promise.all(slots.map((slot) => prepareSlot(slot, server)));
    await Promise.all(
      ready.flatMap((slot) => Object.keys(HOSTS).map(async (host) => masters.push(await startMaster(slot, host)))),
    );
    const pool = new Pool(ready);
    const bin = join(temp.path, 'bin');
    return {
      hold: (of, variant, work) =>
        pool.use((slot) => work((program) => runCase({ slot, of, variant, program, server, bin }))),
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What sshd starts for a key: a session with the directory, the home and the umask of its sandbox. */
async function writeEntry(directory: string): Promise<string> {
  const file = join(directory, 'enter');
  const script = `#!/bin/sh
cd "$1/$2" || exit 99
cd "$(cat "$1/start-$2")" || exit 99
export HOME="$PWD" LC_ALL=C.UTF-8 PATH="$1/bin:$PATH"
umask "$(cat "$1/umask")"
case $SSH_ORIGINAL_COMMAND in
internal-sftp*) exec ${needsPeer('sftp-server')};;
esac
# Of all shells bash alone knows braces.
if command -v bash >/dev/null; then exec bash --norc -c "$SSH_ORIGINAL_COMMAND"; fi
exec sh -c "$SSH_ORIGINAL_COMMAND"
`;
  await writeFile(file, script, { mode: 0o755 });
  return file;
}

async function prepareSlot(directory: string, sshd: RunningSshd): Promise<Slot> {
  await mkdir(join(directory, 'ctl'), { mode: 0o700 });
  const parts: string[] = [];
  for (const alias of Object.keys(HOSTS)) {
    const config = [`IdentityFile ${join(directory, `key-${alias}`)}`, `ControlPath ${directory}/ctl/%n-%r-%p`];
    parts.push(await readFile((await sshd.client({ alias, config })).configFile, 'utf8'));
  }
  const configFile = join(directory, 'config');
  await writeFile(configFile, parts.join('\n'), { mode: 0o600 });
  // For -R: scp on the first host knows the second by the same configuration.
  const scp = `#!/bin/sh\nexec ${needsPeer('scp')} -F '${configFile}' "$@"\n`;
  await writeFile(join(directory, 'bin', 'scp'), scp, { mode: 0o755 });
  return { directory, configFile };
}

/** Opens the connection that all copies of a sandbox to a host share. */
async function startMaster(slot: Slot, host: string): Promise<ChildProcess> {
  const master = spawn(needsPeer('ssh'), ['-F', slot.configFile, '-N', '-M', host], { stdio: 'ignore' });
  for (let attempt = 0; attempt < 100; attempt++) {
    const check = spawn(needsPeer('ssh'), ['-F', slot.configFile, '-O', 'check', host], { stdio: 'ignore' });
    const [status] = (await once(check, 'close')) as [number | null];
    if (status === 0) return master;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  master.kill();
  throw new Error(`no connection to ${host}`);
}

interface CaseRun {
  readonly slot: Slot;
  readonly of: Case;
  readonly variant: Variant;
  readonly program: Program | undefined;
  readonly server: RunningSshd;
  readonly bin: string;
}

async function runCase(run: CaseRun): Promise<Result> {
  const { slot, of, program } = run;
  const { source, target } = sidesOf(run.variant);
  const at = (name: string) => join(slot.directory, name);
  const fill = (text: string) => fillPlaceholders(text, run);
  for (const name of ['local', 'remote', 'other', 'home']) {
    await rm(at(name), { recursive: true, force: true });
    await mkdir(at(name));
  }
  const start = { [source.directory]: of.start?.source ?? '.', [target.directory]: of.start?.target ?? '.' };
  for (const name of Object.values(HOSTS)) await writeFile(at(`start-${name}`), start[name] ?? '.');
  await writeFile(at('umask'), of.umask ?? '022');
  await plant(at(source.directory), of.source ?? {}, fill);
  await plant(at(target.directory), of.target ?? {}, fill);
  const cwd = join(at('local'), start['local'] ?? '.');
  const outcome = program === undefined ? nothing : await runScript(commandLine(run, program), at('home'), cwd);
  const withAtime = of.args.some((arg) => /^-[a-zA-Z]*p/.test(arg));
  const sides = await Promise.all([
    snapshot(at(source.directory), 'source', { withAtime: false }),
    snapshot(at(target.directory), 'target', { withAtime }),
    snapshot(at('home'), 'home', { withAtime: false }),
  ]);
  for (const name of ['local', 'remote', 'other']) {
    if (name === source.directory || name === target.directory) continue;
    sides.push(await snapshot(at(name), name, { withAtime: false }));
  }
  return { ...outcome, tree: withoutTimes(new Map(sides.flatMap((side) => [...side]))) };
}

const nothing = { status: 0, stdout: '', stderr: '' };

/** The roots themselves are ours, but for those of the two sides. */
function withoutTimes(tree: Map<string, Seen>): Snapshot {
  for (const name of ['home/', 'local/', 'remote/', 'other/']) tree.delete(name);
  return tree;
}

function fillPlaceholders(text: string, { slot, variant, server }: CaseRun): string {
  const { source, target } = sidesOf(variant);
  return text
    .replaceAll('{S}', join(slot.directory, source.directory))
    .replaceAll('{T}', join(slot.directory, target.directory))
    .replaceAll('{PORT}', String(server.port))
    .replaceAll('{USER}', server.user)
    .replaceAll('{SFTP}', needsPeer('sftp-server'));
}

/** The command as a script, because Node can start programs with UTF-8 arguments only. */
function commandLine(run: CaseRun, program: Program): Buffer {
  const { of, slot, variant, bin } = run;
  const [direction, protocol] = variant.split('/');
  const words = [
    program === 'reference' ? needsPeer('scp') : join(bin, 'scp'),
    ...(program === 'ours with the built-in transport' ? ['--transport=builtin'] : []),
    '-F',
    slot.configFile,
    ...(protocol === 'scp' && direction !== 'local' ? ['-O'] : []),
    ...(direction === 'remote' ? ['-R'] : []),
    ...of.args.map((arg) => fillPlaceholders(operand(arg, run), run)),
  ];
  const quoted = words.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`);
  return bytesOf(`umask ${of.umask ?? '022'}\nexec ${quoted.join(' ')}\n`);
}

/** `<x` and `>x` of a case as an operand. */
function operand(arg: string, { variant, slot }: CaseRun): string {
  const { source, target } = sidesOf(variant);
  const side = { '<': source, '>': target }[arg.slice(0, 1)];
  if (side === undefined) return arg;
  const path = arg.slice(1);
  if (side.host !== undefined) return `${side.host}:${path}`;
  // Copies within this machine start on the source's side.
  if (side.directory === 'other' && !path.startsWith('{')) return join(slot.directory, 'other', '/') + path;
  return path === '' ? '.' : path;
}

/** Runs a shell script to its end; one that takes too long is killed with all it started. */
async function runScript(script: Buffer, home: string, cwd: string): Promise<Omit<Result, 'tree'>> {
  const file = join(dirname(home), 'command');
  await writeFile(file, script);
  const env = {
    HOME: home,
    PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
    LC_ALL: 'C.UTF-8',
    USER: process.env['USER'],
  };
  const child = spawn('sh', [file], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const timer = setTimeout(() => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, COPY_TIMEOUT_MS);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const [status] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

/** Hands out places; who finds none waits. */
class Pool<T> {
  readonly #free: T[];
  readonly #waiting: ((place: T) => void)[] = [];

  constructor(places: readonly T[]) {
    this.#free = [...places];
  }

  async use<R>(work: (place: T) => Promise<R>): Promise<R> {
    const place = this.#free.pop() ?? (await new Promise<T>((resolve) => this.#waiting.push(resolve)));
    try {
      return await work(place);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(place);
      else next(place);
    }
  }
}
