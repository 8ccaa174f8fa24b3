import type { Readable } from 'node:stream';
import type { SshChannel, SshExit } from '../../src/ssh/connection.ts';

/** All bytes of a stream as text. */
export async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Runs a channel to its end, with `input` as the standard input of the remote command. */
export async function finish(channel: SshChannel, input = ''): Promise<{ out: string; err: string; exit: SshExit }> {
  channel.output.end(input);
  const [out, err, exit] = await Promise.all([textOf(channel.input), textOf(channel.stderr), channel.exit]);
  return { out, err, exit };
}
