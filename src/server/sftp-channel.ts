import type { ServerChannel, Session } from 'ssh2';
import { fileOperations } from '../base/file-operation.ts';
import { printable } from '../base/printable.ts';
import { ended, finish, isUsable } from './channel-end.ts';
import { ChannelOutput } from './channel-output.ts';
import { PRIVILEGE_DENIED } from './denials.ts';
import type { SessionHost } from './session.ts';
import { runSftpService } from './sftp-service.ts';

/** Serves SFTP until the client ends the channel, or says why the user may not have it. An open session without an open file counts as idle. Never rejects. */
export async function runSftp(session: Session, channel: ServerChannel, host: SessionHost): Promise<void> {
  if (!isUsable(channel, host)) return;
  const unwatch = host.watchInput(channel);
  const output = new ChannelOutput(channel, host.gate);
  // What the client has sent counts, also where it does not wait for the answer.
  const onClose = (): void => output.cut();
  session.once('close', onClose);
  host.gone.addEventListener('abort', onClose, { once: true });
  let status: 0 | 1 = 1;
  if (await mayUse(host)) status = await serve(channel, output, host);
  else {
    host.emit({ type: 'request-refused', request: `sftp: ${PRIVILEGE_DENIED}` });
    channel.stderr.write(`${PRIVILEGE_DENIED}\n`);
  }
  await ended(output);
  channel.resume();
  finish(channel, status);
  host.gone.removeEventListener('abort', onClose);
  unwatch();
}

/** Whether the user may run this at all. What may be done to which path is decided path by path. */
async function mayUse(host: SessionHost): Promise<boolean> {
  if (!host.rights.mayAnywhere(...fileOperations)) return false;
  return await host.mayRun('sftp', []).catch(() => false);
}

async function serve(channel: ServerChannel, output: ChannelOutput, host: SessionHost): Promise<0 | 1> {
  let release: (() => void) | undefined;
  const busy = (isBusy: boolean): void => {
    if (isBusy) release ??= host.busy();
    else {
      release?.();
      release = undefined;
    }
  };
  const { durable, allFiles: fileSystem, user, account } = host;
  try {
    return await runSftpService(channel, output, {
      durable,
      fileSystem,
      user,
      account,
      begin: (start) => host.beginTransfer(start),
      takeHandle: () => host.takeHandle(),
      emit: (event) => host.emit(event),
      busy,
      hashing: host.hashing,
      say: (line) => channel.stderr.write(`${printable(line)}\n`),
      signal: host.stopped,
    });
  } finally {
    busy(false);
  }
}
