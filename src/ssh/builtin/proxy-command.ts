import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { ConnectionError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { HostConfig } from '../config/host-config.ts';
import { expandTokens } from '../config/tokens.ts';
import type { Prompter } from '../connection.ts';
import { checkHost, checkUser } from '../names.ts';
import type { SshEnvironment } from '../options.ts';
import { shownText } from './prompts.ts';

/** How much of what the command says is passed on. */
const MAX_STDERR_BYTES = 64 * 1024;
const KILL_AFTER_MS = 500;
/** How long an error waits for what a failing command says about it. */
const LAST_WORDS_MS = 250;

/** A stream through a command. */
export interface ProxyStream {
  readonly stream: Duplex;
  /** Settles when the command has said all it had to say, or soon after it ended. */
  readonly said: Promise<void>;
}

/**
 * Runs a ProxyCommand through the user's shell, as OpenSSH does (`exec` in front, so that the shell does not stay). Host
 * and user are checked first: they end up in a shell's command line (CVE-2023-51385).
 *
 * @throws {ConnectionError}
 */
export async function connectProxyCommand(
  command: string,
  config: HostConfig,
  environment: SshEnvironment,
  prompter: Prompter,
): Promise<ProxyStream> {
  checkHost(config.alias);
  checkHost(config.hostname);
  checkUser(config.user);
  const line = `exec ${expandTokens(command, config.tokens, config.alias)}`;
  const child = spawn(environment.shell || '/bin/sh', ['-c', line], {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(environment.variables && { env: { ...environment.variables } }),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
  } catch (cause) {
    throw new ConnectionError(printable(config.alias), 'connect', 'the shell for ProxyCommand could not be started', {
      cause,
    });
  }
  child.on('error', () => {});
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => {});
  let bytes = 0;
  child.stderr.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= MAX_STDERR_BYTES) prompter.tell(shownText(chunk.toString('utf8')));
  });
  const duplex = Duplex.from({ readable: child.stdout, writable: child.stdin });
  duplex.on('error', () => {});
  duplex.once('close', () => {
    for (const stream of [child.stdin, child.stdout]) stream.destroy();
    setTimeout(() => child.stderr.destroy(), LAST_WORDS_MS);
    if (child.exitCode !== null || child.signalCode !== null) return;
    // Its end of the stream is gone; a command that fails may still be about to say why.
    const timers = [
      setTimeout(() => child.kill('SIGTERM'), LAST_WORDS_MS),
      setTimeout(() => child.kill('SIGKILL'), LAST_WORDS_MS + KILL_AFTER_MS),
    ];
    child.once('exit', () => timers.forEach(clearTimeout));
  });
  child.once('exit', () => child.stdin.destroy());
  const said = new Promise<void>((resolve) => {
    child.stderr.once('close', resolve);
    duplex.once('close', () => setTimeout(resolve, LAST_WORDS_MS));
  });
  return { stream: duplex, said };
}
