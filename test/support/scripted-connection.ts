import type { ChannelOptions, SshChannel, SshConnection, SshExit } from '../../src/ssh/connection.ts';
import { ScriptedPeer } from '../sftp/scripted-peer.ts';
import { wire } from './streams.ts';

/** A channel whose other side is in the hands of a test. */
export interface ScriptedChannel extends SshChannel {
  readonly isClosed: boolean;
  /** Ends the channel from the other side. */
  leave(exit: SshExit): void;
}

/** @param input what comes from the other side; @param output what goes there */
export function scriptedChannel({ input, output }: Pick<SshChannel, 'input' | 'output'>): ScriptedChannel {
  let leave: (exit: SshExit) => void = () => {};
  const exit = new Promise<SshExit>((resolve) => {
    leave = resolve;
  });
  let isClosed = false;
  return {
    input,
    output,
    stderr: wire().left.input,
    exit,
    leave,
    get isClosed() {
      return isClosed;
    },
    close: () => {
      isClosed = true;
      leave({ code: null, signal: null });
    },
  };
}

/** What a test decides about the channels of a connection. */
export interface ConnectionScript {
  /** Absent: SFTP servers that shake hands and answer nothing more. */
  readonly subsystem?: (count: number, options: ChannelOptions) => Promise<SshChannel>;
  readonly exec?: (command: string, options: ChannelOptions) => Promise<SshChannel>;
  readonly answerTimeoutMs?: number;
}

/** A server that shakes hands and answers nothing more. */
export function greetingChannel(): ScriptedChannel {
  const peer = new ScriptedPeer();
  peer.onRequest = ({ type }) => {
    if (type === 1) peer.version();
    return true;
  };
  return scriptedChannel(peer.wire.left);
}

/** A connection with many channels, played by a test. */
export function scriptedConnection(script: ConnectionScript): SshConnection {
  let count = 0;
  const close = async (): Promise<void> => {};
  return {
    isMultiplexed: true,
    ...(script.answerTimeoutMs === undefined ? {} : { answerTimeoutMs: script.answerTimeoutMs }),
    subsystem: async (_name, options = {}) => (await script.subsystem?.(++count, options)) ?? greetingChannel(),
    exec: async (command, options = {}) => {
      if (script.exec === undefined) throw new Error('no commands here');
      return await script.exec(command, options);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
