import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { makeKeyPair } from './key-pair.ts';
import { type Outcome, runProgram, runSealift, sealiftLauncher } from './sealift.ts';
import { tempDirectory } from './temp.ts';

/** One line of the server's log. */
export type LogEntry = Readonly<Record<string, unknown>> & { readonly event?: string; readonly message: string };

/** `sealift serve -c` in a folder of its own, with the users alice and bob, who have the same key. */
export class ConfiguredServer {
  readonly folder: string;
  readonly config: string;
  child: ChildProcess | undefined;
  exit: Promise<[number | null, NodeJS.Signals | null]> | undefined;
  port = 0;
  #log = '';

  private constructor(folder: string) {
    this.folder = folder;
    this.config = join(folder, 'sealift.yaml');
  }

  static async create(): Promise<ConfiguredServer> {
    const server = new ConfiguredServer(await tempDirectory('operate'));
    const key = makeKeyPair();
    await mkdir(join(server.folder, 'in'));
    await writeFile(join(server.folder, 'key'), key.private, { mode: 0o600 });
    await writeFile(join(server.folder, 'key.pub'), `${key.public}\n`);
    await server.configure();
    return server;
  }

  /** Writes the configuration: the common part and `more`. */
  async configure(more = '', users: readonly string[] = ['alice', 'bob']): Promise<void> {
    const lines = users.map((name) => `  - {name: ${name}, authorized-keys-file: key.pub}\n`).join('');
    const common = `state: ./state\nlisten: 127.0.0.1:0\nlog: {level: debug}\nroots: [{name: in, path: ./in}]\n`;
    await writeFile(this.config, `${common}users:\n${lines}${more}`);
  }

  /** Starts it and waits until it listens. Its whole group is killed when the test has finished. */
  async start(
    command: readonly string[] = [process.execPath, sealiftLauncher],
    stdio: readonly number[] = [],
  ): Promise<void> {
    const [program = '', ...args] = command;
    const child = spawn(program, [...args, 'serve', '-c', this.config], {
      stdio: ['ignore', 'pipe', 'pipe', ...stdio],
      detached: true,
    });
    this.child = child;
    onTestFinished(() => this.#killGroup());
    this.exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    child.stderr?.on('data', (data: Buffer) => {
      this.#log += data.toString();
    });
    let stdout = '';
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (data: Buffer) => {
        stdout += data.toString();
        if (stdout.endsWith('\n')) resolve();
      });
      child.once('exit', (status) => reject(new Error(`ended with ${status}: ${this.#log}`)));
    });
    this.port = Number(/:(\d+)\n/.exec(stdout)?.[1]);
  }

  #killGroup(): void {
    try {
      if (this.child?.pid !== undefined) process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child?.kill(name);
  }

  get log(): readonly LogEntry[] {
    const lines = this.#log.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
    return lines.map((line) => JSON.parse(line) as LogEntry);
  }

  /** Waits until so many entries of the log are of this event. */
  async logged(event: string, count = 1): Promise<readonly LogEntry[]> {
    for (;;) {
      const found = this.log.filter((entry) => entry.event === event);
      if (found.length >= count) return found;
      await sleep(20);
    }
  }

  /** Asks the server by its control socket. */
  async ask(...args: string[]): Promise<Outcome> {
    return await runSealift(['serve', ...args, '-c', this.config]);
  }

  /** Runs the system's scp as this user, against this server. */
  async scp(user: string, from: string, to: string, options: readonly string[] = []): Promise<Outcome> {
    return await runProgram('scp', [
      ...(await this.sshOptions()),
      ...options,
      '-O',
      '-P',
      String(this.port),
      from,
      `${user}@127.0.0.1:${to}`,
    ]);
  }

  async sshOptions(): Promise<string[]> {
    await chmod(join(this.folder, 'key'), 0o600);
    const settings = [
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
      'IdentitiesOnly=yes',
      'BatchMode=yes',
      'LogLevel=ERROR',
    ];
    return ['-F', 'none', '-i', join(this.folder, 'key'), ...settings.flatMap((setting) => ['-o', setting])];
  }
}
