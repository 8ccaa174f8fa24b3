import { randomInt } from 'node:crypto';
import { mkdir, readFile, realpath, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Accounting } from '../../aaa/accounting/accounting.ts';
import type { LocalUser } from '../../aaa/local-user.ts';
import { FileError } from '../../base/errors.ts';
import { describeEvent } from '../../server/events.ts';
import { loadHostKeys } from '../../server/host-keys.ts';
import { formatListenAddress, type ListenAddress } from '../../server/listen-address.ts';
import { isWithin, realPathOf } from '../../server/root-folders.ts';
import { listen, type RunningServer } from '../../server/server.ts';
import type { Reporter } from '../report.ts';
import type { QuickOptions } from './options.ts';
import { openQuickControl } from './quick-control.ts';
import { serveSignals } from './serve-signals.ts';

/** Longer files hold no password and no list of keys. Bytes. */
const MAX_FILE_BYTES = 1024 * 1024;

/** How long transfers may go on after the first signal. Milliseconds. */
const GRACE_MS = 4000;

/** Serves one folder to one user until a signal. @returns the exit status */
export async function serveQuick(options: QuickOptions, reporter: Reporter): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const signals = serveSignals(() => process.exit(0), stdin.isTTY || stdout.isTTY || stderr.isTTY);
  let accounting: Accounting | undefined;
  try {
    await makeFolders(options);
    accounting = await openAccounting(options.state, reporter);
    const server = await start(options, accounting, reporter);
    const control = await openQuickControl(options.state, server).catch((error: unknown) => reporter.error(error));
    for (const address of server.addresses) stdout.write(`listening on ${formatListenAddress(address)}\n`);
    const records = accounting;
    signals.onReload(() => attempt(() => records.reopen(), reporter));
    try {
      await signals.stopped;
    } finally {
      await server.close({ graceMs: GRACE_MS });
      await control?.close();
    }
    return 0;
  } finally {
    accounting?.close();
    signals.release();
  }
}

/** What fails is told, and changes nothing. */
function attempt(work: () => void, reporter: Reporter): void {
  try {
    work();
  } catch (error) {
    reporter.error(error);
  }
}

async function makeFolders(options: QuickOptions): Promise<void> {
  await makeFolder(options.data);
  await makeFolder(options.state);
  await keepApart(options);
}

/** Records of every session and file in the state folder, and those that a killed server owes. @throws {FileError} */
async function openAccounting(state: string, reporter: Reporter): Promise<Accounting> {
  const where = { log: join(state, 'accounting.jsonl'), journals: join(state, 'journals') };
  const warn = (text: string): void => reporter.note(`warning: ${text}`);
  const accounting = Accounting.open(where, { pid: process.pid, hostname: hostname(), warn });
  try {
    await accounting.recover();
    return accounting;
  } catch (error) {
    accounting.close();
    throw error;
  }
}

async function start(options: QuickOptions, accounting: Accounting, reporter: Reporter): Promise<RunningServer> {
  const { keys, made } = await loadHostKeys(options.state);
  const { user, shown } = await readUser(options);
  const server = await listen({
    hostKeys: keys,
    users: [user],
    root: options.data,
    listen: options.listen,
    account: accounting.account,
    onEvent: (event) => {
      if (options.verbose || event.type === 'warning') reporter.note(describeEvent(event));
    },
  });
  if (made.length > 0) reporter.note(`new host keys in ${options.state}`);
  for (const key of keys) reporter.note(`host key ${key.type} ${key.fingerprint}`);
  if (shown !== undefined) reporter.note(`user ${user.name}, password ${shown} (shown this once)`);
  else reporter.note(`user ${user.name}`);
  reporter.note(`files are in ${options.data}`);
  for (const address of server.addresses) printExamples(reporter, user.name, address);
  return server;
}

function printExamples(reporter: Reporter, user: string, { address, port }: ListenAddress): void {
  const anywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const reachable = anywhere[address] ?? address;
  const host = reachable.includes(':') ? `[${reachable}]` : reachable;
  reporter.note('try:');
  reporter.note(`  scp -P ${port} FILE ${user}@${host}:`);
  reporter.note(`  scp -P ${port} ${user}@${host}:FILE .`);
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw FileError.from(cause, path, 'mkdir');
  }
}

/** Users must not be able to fetch the host keys or the password. @throws {FileError} */
async function keepApart({ data, state, passwordFile }: QuickOptions): Promise<void> {
  const folder = await realpath(data);
  if (isWithin(folder, await realpath(state))) {
    const reason = 'the host keys are inside the data folder, where every user could fetch them';
    throw new FileError(state, 'open', 'ERR_CONFIG', {
      reason,
      cure: 'give --state or --data a folder outside the other',
    });
  }
  if (passwordFile !== undefined && isWithin(folder, await realPathOf(passwordFile))) {
    const reason = 'the password file is inside the data folder, where every user could fetch or change it';
    throw new FileError(passwordFile, 'open', 'ERR_CONFIG', { reason, cure: 'keep it elsewhere' });
  }
}

/** Who may log in, and the password that was made up for lack of anything else. */
async function readUser(options: QuickOptions): Promise<{ readonly user: LocalUser; readonly shown?: string }> {
  const { user: name, authorizedKeys, passwordFile } = options;
  const keys = authorizedKeys === undefined ? undefined : (await readText(authorizedKeys)).text.split(/\r?\n/);
  if (passwordFile === undefined && keys === undefined) {
    const password = makePassword();
    return { user: { name, password }, shown: password };
  }
  const secret = passwordFile === undefined ? undefined : await readSecret(passwordFile);
  const isHash = secret?.startsWith('$scrypt$') === true;
  return { user: { name, authorizedKeys: keys, ...(isHash ? { passwordHash: secret } : { password: secret }) } };
}

/** 20 characters of an alphabet without look-alikes: 100 bits. */
function makePassword(): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';
  const characters = Array.from({ length: 20 }, () => alphabet.charAt(randomInt(alphabet.length)));
  return [0, 5, 10, 15].map((at) => characters.slice(at, at + 5).join('')).join('-');
}

async function readText(path: string): Promise<{ readonly text: string; readonly mode: number }> {
  try {
    const stats = await stat(path);
    if (!stats.isFile()) throw new FileError(path, 'open', 'ERR_NOT_REGULAR_FILE');
    if (stats.size > MAX_FILE_BYTES) throw new FileError(path, 'open', 'EFBIG');
    return { text: await readFile(path, 'utf8'), mode: stats.mode };
  } catch (cause) {
    throw FileError.from(cause, path, 'open');
  }
}

/** The first line of a file that nobody else may read. */
async function readSecret(path: string): Promise<string> {
  const { text, mode } = await readText(path);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    const reason = 'others can read this password file';
    throw new FileError(path, 'open', 'ERR_CONFIG', { reason, cure: `chmod 600 ${path}` });
  }
  const line = text.split(/\r?\n/)[0] ?? '';
  if (line === '') {
    const reason = 'the first line is empty';
    throw new FileError(path, 'read', 'ERR_CONFIG', { reason, cure: 'put the password there' });
  }
  return line;
}
