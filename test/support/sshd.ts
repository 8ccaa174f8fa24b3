import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { needsPeer } from './peers.ts';
import { createTempDirectory } from './temp.ts';

const run = promisify(execFile);

/** How long sshd may take to listen. */
const START_TIMEOUT_MS = 10_000;
const START_ATTEMPTS = 5;

export type HostKeyType = 'ed25519' | 'ecdsa' | 'rsa';

export interface SshdOptions {
  /** Default 127.0.0.1. */
  readonly listenAddress?: '127.0.0.1' | '::1';
  /** Default `['ed25519']`. RSA keys take a moment to make. */
  readonly hostKeyTypes?: readonly HostKeyType[];
  /** Lines put in front of the defaults of sshd_config, where the first value of a keyword wins. */
  readonly config?: readonly string[];
  /** Lines of authorized_keys besides the generated identity, which is always accepted. */
  readonly authorizedKeys?: readonly string[];
  /** Options in front of the generated identity in authorized_keys, for example `command="…"`. */
  readonly identityOptions?: string;
}

export interface ClientConfigOptions {
  /** Alias that the client uses instead of the address. Default `server`. */
  readonly alias?: string;
  /** What known_hosts holds. Default: the keys of this server. */
  readonly knownHosts?: readonly string[];
  /** Lines put in front of the defaults, where the first value of a keyword wins. */
  readonly config?: readonly string[];
}

/** Files of a client that may log in, all inside the server's temporary directory. */
export interface ClientFiles {
  readonly alias: string;
  /** For `-F`. */
  readonly configFile: string;
  readonly knownHostsFile: string;
}

/** A running sshd with its keys. Stop it in `afterAll` or with `onTestFinished`. */
export interface RunningSshd extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** The login name, which is the one the tests run as. */
  readonly user: string;
  /** Holds everything of this server; free to be used by the test. Removed by `stop()`. */
  readonly directory: string;
  /** An unencrypted ed25519 private key that may log in; its public half is beside it with `.pub`. */
  readonly identityFile: string;
  readonly hostKeyFiles: readonly string[];
  /** One `type base64` per host key. */
  readonly hostPublicKeys: readonly string[];
  /** known_hosts lines for this server: `[host]:port type base64`. */
  readonly knownHosts: readonly string[];
  /** What sshd said so far. */
  log(): string;
  /** Writes an ssh_config with identity and known_hosts for this server. */
  client(options?: ClientConfigOptions): Promise<ClientFiles>;
  /** Kills the listener and all sessions at once (SIGKILL), as a crash of the machine would; the files stay. */
  kill(): Promise<void>;
  /** Ends the server and all sessions and removes its directory. Idempotent. */
  stop(): Promise<void>;
}

/** A port of the address that was free a moment ago. */
export async function freePort(address = '127.0.0.1'): Promise<number> {
  const probe = createServer();
  probe.listen(0, address);
  await once(probe, 'listening');
  const bound = probe.address();
  probe.close();
  await once(probe, 'close');
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  return bound.port;
}

/** Generates a key pair with ssh-keygen and returns the `type base64` of its public half. */
export async function generateKey(file: string, type: HostKeyType, passphrase = ''): Promise<string> {
  const bits = type === 'rsa' ? ['-b', '2048'] : [];
  await run(needsPeer('ssh-keygen'), ['-q', '-t', type, ...bits, '-N', passphrase, '-C', 'test', '-f', file]);
  return (await readFile(`${file}.pub`, 'utf8')).trim().split(' ').slice(0, 2).join(' ');
}

/** The pids of a process's descendants, children before grandchildren. Linux only; elsewhere empty. */
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
  const pids = await descendants(child.pid);
  for (const pid of [child.pid, ...pids]) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself in the meantime.
    }
  }
  await exited;
}

/** Starts sshd and resolves once it says that it listens; undefined where the port was taken. */
async function listen(configFile: string, log: string[]): Promise<ChildProcess | undefined> {
  const child = spawn(needsPeer('sshd'), ['-D', '-e', '-f', configFile], { stdio: ['ignore', 'ignore', 'pipe'] });
  const start = log.length;
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS);
  try {
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stderr }).on('line', (line) => {
        log.push(line);
        if (line.startsWith('Server listening on')) resolve();
      });
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`sshd ended: ${log.slice(start).join('\n')}`)));
    });
    return child;
  } catch (error) {
    if (log.slice(start).some((line) => line.includes('Address already in use'))) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * bash reads .bashrc when sshd starts it, and that of the person who runs the tests may do anything: one that renews a cache
 * complains now and then on standard error when several shells start at once. A shell that is not the outermost leaves it alone.
 */
function withoutShellFiles(config: readonly string[]): string[] {
  const setsVariables = (line: string) => /^setenv\b/i.test(line.trim());
  const variables = config.find(setsVariables) ?? 'SetEnv';
  // sshd obeys the first SetEnv only.
  return [`${variables} SHLVL=1`, ...config.filter((line) => !setsVariables(line))];
}

function serverConfig(
  directory: string,
  host: string,
  port: number,
  keys: readonly string[],
  own: readonly string[],
): string {
  return [
    ...withoutShellFiles(own).filter((line) => !/^match\b/i.test(line.trim())),
    `ListenAddress ${host}`,
    `Port ${port}`,
    ...keys.map((file) => `HostKey ${file}`),
    `AuthorizedKeysFile ${join(directory, 'authorized_keys')}`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin yes',
    'MaxStartups 100:30:200',
    'MaxSessions 50',
    'PrintMotd no',
    ...(own.some((line) => /^subsystem\s+sftp\b/i.test(line.trim())) ? [] : ['Subsystem sftp internal-sftp']),
    'LogLevel VERBOSE',
    ...own.filter((line) => /^match\b/i.test(line.trim())),
    '',
  ].join('\n');
}

async function writeClient(
  server: { directory: string; host: string; port: number; user: string; identityFile: string },
  knownHosts: readonly string[],
  config: readonly string[],
  alias: string,
): Promise<ClientFiles> {
  const directory = join(server.directory, `client-${alias}-${Math.random().toString(36).slice(2)}`);
  await mkdir(directory);
  const knownHostsFile = join(directory, 'known_hosts');
  const configFile = join(directory, 'config');
  await writeFile(knownHostsFile, knownHosts.map((line) => `${line}\n`).join(''));
  const lines = [
    `Host ${alias}`,
    ...config,
    `HostName ${server.host}`,
    `Port ${server.port}`,
    `User ${server.user}`,
    `IdentityFile ${server.identityFile}`,
    'IdentitiesOnly yes',
    'IdentityAgent none',
    `UserKnownHostsFile ${knownHostsFile}`,
    'GlobalKnownHostsFile /dev/null',
    'StrictHostKeyChecking yes',
    'BatchMode yes',
  ];
  await writeFile(configFile, `${lines.join('\n')}\n`, { mode: 0o600 });
  return { alias, configFile, knownHostsFile };
}

/**
 * Starts a real OpenSSH sshd on loopback, on a free port, with its own host keys and one identity that may log in as the
 * user who runs the tests. Needs the peers `sshd` and `ssh-keygen`.
 */
export async function startSshd(options: SshdOptions = {}): Promise<RunningSshd> {
  const host = options.listenAddress ?? '127.0.0.1';
  const user = userInfo().username;
  const temp = await createTempDirectory('sshd');
  const directory = temp.path;
  try {
    // sshd run by root insists on its privilege separation directory.
    if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
    await chmod(directory, 0o755);
    const hostKeyFiles = (options.hostKeyTypes ?? ['ed25519']).map((type) => join(directory, `host_${type}`));
    const hostPublicKeys = await Promise.all(
      (options.hostKeyTypes ?? ['ed25519']).map((type) => generateKey(join(directory, `host_${type}`), type)),
    );
    const identityFile = join(directory, 'id_ed25519');
    const identity = await generateKey(identityFile, 'ed25519');
    const authorized = [`${options.identityOptions ?? ''} ${identity}`.trim(), ...(options.authorizedKeys ?? [])];
    await writeFile(join(directory, 'authorized_keys'), `${authorized.join('\n')}\n`);

    const log: string[] = [];
    let child: ChildProcess | undefined;
    let port = 0;
    for (let attempt = 0; child === undefined; attempt++) {
      if (attempt === START_ATTEMPTS) throw new Error('sshd found no free port');
      port = await freePort(host);
      const configFile = join(directory, 'sshd_config');
      await writeFile(configFile, serverConfig(directory, host, port, hostKeyFiles, options.config ?? []));
      child = await listen(configFile, log);
    }
    const running = child;
    const knownHosts = hostPublicKeys.map((key) => `[${host}]:${port} ${key}`);
    const stop = async (): Promise<void> => {
      await killTree(running);
      await temp.remove();
    };
    const files = { directory, host, port, user, identityFile };
    return {
      ...files,
      hostKeyFiles,
      hostPublicKeys,
      knownHosts,
      log: () => log.join('\n'),
      client: (own = {}) => writeClient(files, own.knownHosts ?? knownHosts, own.config ?? [], own.alias ?? 'server'),
      kill: () => killTree(running),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await temp.remove();
    throw error;
  }
}
