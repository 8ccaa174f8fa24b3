import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { exec, login, run, startTestServer } from './support.ts';

function failure(start: (done: (error?: Error | null) => void) => unknown): Promise<Error> {
  return new Promise((resolve, reject) =>
    start((error) => (error ? resolve(error) : reject(new Error('it was allowed')))),
  );
}

/** What ssh2's client has no public call for. */
interface Raw {
  readonly _protocol: {
    openssh_noMoreSessions(wantReply: boolean): void;
    ping(): void;
    channelClose(channel: number): void;
    channelData(channel: number, data: Buffer): void;
  };
}

describe('a session runs scp and nothing else', () => {
  it.each(['ls', 'sh -c "scp -t x"', 'rsync --server .', 'internal-sftp', '', 'cat /etc/passwd'])(
    '%j is refused with status 127',
    async (command) => {
      const { port, event } = await startTestServer();
      const result = await run(await login(port), command);
      expect(result).toMatchObject({ code: 127, stderr: 'this server only does secure copy\n' });
      expect(result.stdout).toHaveLength(0);
      expect(await event('request-refused')).toMatchObject({ request: `exec ${command}` });
    },
  );

  it('scp that is asked wrongly is answered in its own protocol', async () => {
    const { port } = await startTestServer();
    const client = await login(port);
    expect(await run(client, 'scp -t a b')).toMatchObject({
      code: 1,
      stdout: Buffer.from('\u0001scp: ambiguous target: more than one path (quote blanks in it)\n'),
    });
    expect(await run(client, 'scp -x -t a')).toMatchObject({
      code: 1,
      stdout: Buffer.from('\u0001scp: option -x is not supported\n'),
    });
  });

  it('shell, pty, other subsystems, environment, X11 and agent forwarding are refused and the connection lives on', async () => {
    const { port, events } = await startTestServer();
    const client = await login(port);
    expect(await failure((done) => client.shell(false, done))).toBeInstanceOf(Error);
    expect(await failure((done) => client.subsys('netconf', done))).toBeInstanceOf(Error);
    expect(await failure((done) => client.exec('scp -t x', { pty: true }, done))).toBeInstanceOf(Error);
    expect(await failure((done) => client.exec('scp -t x', { x11: true }, done))).toBeInstanceOf(Error);
    expect(await run(client, 'scp -f missing', '\0')).toMatchObject({ code: 1 });
    const refused = events.flatMap((one) => (one.type === 'request-refused' ? [one.request] : []));
    expect(refused).toEqual(['shell', 'subsystem netconf', 'pty', 'x11 forwarding']);
  });

  it('forwarding of ports and sockets is refused in both directions', async () => {
    const { port } = await startTestServer();
    const client = await login(port);
    expect(await failure((done) => client.forwardOut('127.0.0.1', 1, '127.0.0.1', 22, done))).toBeInstanceOf(Error);
    expect(await failure((done) => client.forwardIn('127.0.0.1', 0, done))).toBeInstanceOf(Error);
    expect(await failure((done) => client.openssh_forwardOutStreamLocal('/run/x.sock', done))).toBeInstanceOf(Error);
    expect(await failure((done) => client.openssh_forwardInStreamLocal('/run/x.sock', done))).toBeInstanceOf(Error);
    expect(await run(client, 'scp -f missing', '\0')).toMatchObject({ code: 1 });
  });

  it('environment variables are ignored', async () => {
    const { port, root } = await startTestServer();
    await writeFile(join(root, 'f'), 'x');
    const client = await login(port);
    const done = new Promise<number>((resolve, reject) => {
      client.exec('scp -f f', { env: { LD_PRELOAD: '/x.so' } }, (error, channel) => {
        if (error) return reject(error);
        channel.on('close', (code: number) => resolve(code)).resume();
        channel.end('\0\0\0');
      });
    });
    expect(await done).toBe(0);
  });

  it('questions whether it is alive are answered', async () => {
    const { port } = await startTestServer();
    const client = await login(port);
    const raw = client as unknown as Raw & { _callbacks: ((failed: boolean) => void)[] };
    const answered = new Promise<boolean>((resolve) => raw._callbacks.push(resolve));
    raw._protocol.ping();
    // A refusal is an answer: it is what OpenSSH's client waits for.
    expect(await answered).toBe(true);
  });
});

describe('channels', () => {
  it('ten may be open; the next is refused until one is closed', async () => {
    const { port } = await startTestServer();
    const client = await login(port);
    const channels = await Promise.all(Array.from({ length: 10 }, () => exec(client, 'scp -t .')));
    expect(await failure((done) => client.exec('scp -t .', done))).toBeInstanceOf(Error);
    const closed = once(channels[0]!, 'close');
    channels[0]!.resume().end();
    await closed;
    expect(await run(client, 'scp -t .')).toMatchObject({ code: 0 });
  });

  it('sessions that run nothing are closed and forgotten', async () => {
    const { port } = await startTestServer();
    const client = await login(port);
    const raw = client as unknown as Raw & {
      readonly _chanMgr: { readonly _channels: Record<number, { readonly outgoing: { readonly id: number } }> };
    };
    for (let i = 0; i < 30; i++) {
      expect(await failure((done) => client.subsys('x', done))).toBeInstanceOf(Error);
      // ssh2's client forgets to close what was refused.
      const last = Object.values(raw._chanMgr._channels).at(-1);
      raw._protocol.channelClose(last?.outgoing.id ?? -1);
    }
    expect(await run(client, 'scp -t .')).toMatchObject({ code: 0 });
  });

  it('a second command on a channel is refused', async () => {
    const { port, root } = await startTestServer();
    const client: Client = await login(port);
    const channel = await exec(client, 'scp -t .');
    const raw = channel as unknown as { outgoing: { id: number }; _callbacks: ((failed: boolean) => void)[] };
    const refused = new Promise<boolean>((resolve) => raw._callbacks.push(resolve));
    (
      client as unknown as { _protocol: { exec(id: number, command: string, wantReply: boolean): void } }
    )._protocol.exec(raw.outgoing.id, 'scp -f .', true);
    expect(await refused).toBe(true);
    channel.write('C0644 2 f\nhi\0');
    channel.end();
    await once(channel.resume(), 'close');
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('hi');
  });
});

describe('paths', () => {
  it('begin at the root, wherever they pretend to begin', async () => {
    const { port, root } = await startTestServer();
    await mkdir(join(root, 'd'));
    await writeFile(join(root, 'd', 'f'), 'content');
    const client = await login(port);
    for (const path of ['d/f', '/d/f', './d/f', '~/d/f', '../../d/f', '/../d/f', 'd/../../../d/f', "'d/f'"]) {
      const { stdout, code } = await run(client, `scp -f ${path}`, '\0\0\0');
      expect([path, code, stdout.toString()]).toEqual([path, 0, 'C0644 7 f\ncontent\0']);
    }
    expect((await run(client, 'scp -f /etc/passwd', '\0')).stdout.toString()).toMatch(/scp: \/etc.*No such file/);
  });

  it('a name that is not UTF-8 is found', async () => {
    const { port, root } = await startTestServer();
    await writeFile(Buffer.concat([Buffer.from(`${root}/n`), Buffer.of(0xff)]), 'content');
    const client = await login(port);
    const command = Buffer.concat([Buffer.from('scp -f n'), Buffer.of(0xff)]);
    const raw = client as unknown as {
      _protocol: { exec(id: number, command: string | Buffer, wantReply: boolean): void };
    };
    const original = raw._protocol.exec.bind(raw._protocol);
    raw._protocol.exec = (id, _command, wantReply) => sendRawExec(client, original, id, command, wantReply);
    const { stdout } = await run(client, 'scp -f n?', '\0\0\0');
    expect(stdout.toString('latin1')).toBe('C0644 7 n\u00ff\ncontent\0');
  });

  it('patterns are expanded, several paths are sent in order, hidden names stay hidden', async () => {
    const { port, root } = await startTestServer();
    for (const name of ['b.txt', 'a.txt', '.h.txt', 'c.bin']) await writeFile(join(root, name), '');
    const client = await login(port);
    const { stdout } = await run(client, 'scp -f *.txt c.bin', '\0'.repeat(7));
    expect(stdout.toString()).toBe('C0644 0 a.txt\n\0C0644 0 b.txt\n\0C0644 0 c.bin\n\0');
    expect((await run(client, "scp -f '*.txt'", '\0')).stdout.toString()).toContain('No such file');
  });
});

/** Sends an exec request whose command is bytes: the client's own encoder writes text only. */
function sendRawExec(
  client: Client,
  exec: (id: number, command: string, wantReply: boolean) => void,
  id: number,
  command: Buffer,
  wantReply: boolean,
): void {
  const writer = (client as unknown as { _protocol: { _packetRW: { write: { finalize(packet: Buffer): Buffer } } } })
    ._protocol._packetRW.write;
  const finalize = writer.finalize.bind(writer);
  const stand = 'scp -f n?';
  writer.finalize = (packet) => {
    const at = packet.indexOf(stand);
    if (at >= 0) command.copy(packet, at);
    return finalize(packet);
  };
  exec(id, stand, wantReply);
  writer.finalize = finalize;
}

it('a path of nothing is nothing, not the folder itself', async () => {
  const { port, root } = await startTestServer();
  await writeFile(join(root, 'f'), 'x');
  for (const command of ["scp -f ''", "scp -r -f ''", "scp -t ''", "scp -r -d -t ''", "scp -f '' f"]) {
    const { code, stdout } = await run(await login(port), command, '\0C0644 1 g\nx\0\0\0\0');
    expect(code, command).toBe(1);
    expect(stdout.toString(), command).toContain('No such file or directory');
  }
  expect(await readdir(root)).toEqual(['f']);
});
