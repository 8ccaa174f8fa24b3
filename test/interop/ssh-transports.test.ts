import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as tick } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../../src/ssh/connect.ts';
import type { SshConnection } from '../../src/ssh/connection.ts';
import type { ConnectOptions, Transport } from '../../src/ssh/options.ts';
import { finish, textOf } from '../ssh/streams.ts';
import { describePeer } from '../support/peers.ts';
import { type ClientFiles, type RunningSshd, startSshd } from '../support/sshd.ts';

const environment = { home: '/nonexistent', user: 'nobody', path: process.env['PATH'] };

for (const transport of ['ssh', 'builtin'] as const satisfies readonly Transport[]) {
  describePeer(['sshd', 'ssh', 'ssh-keygen'], `the ${transport} transport with OpenSSH`, () => {
    let server: RunningSshd;
    let client: ClientFiles;
    let connection: SshConnection;
    const options = (): ConnectOptions => ({ transport, environment, args: ['-F', client.configFile] });

    beforeAll(async () => {
      server = await startSshd({ config: ['Subsystem greet /bin/echo hello from a subsystem'] });
      client = await server.client();
      connection = await connect({ host: client.alias }, options());
    });
    afterAll(async () => {
      await connection.close();
      await server.stop();
    });

    it('gives back what a command writes, and its status', async () => {
      const result = await finish(await connection.exec('cat; echo oops >&2; exit 3'), 'hello');
      expect(result).toEqual({ out: 'hello', err: 'oops\n', exit: { code: 3, signal: null } });
    });

    it('starts a subsystem', async () => {
      const { out, exit } = await finish(await connection.subsystem('greet'));
      expect(out).toBe('hello from a subsystem\n');
      expect(exit.code).toBe(0);
    });

    it('does not pretend that a missing subsystem runs', async () => {
      const attempt = connection.subsystem('nothing-of-the-kind').then(async (channel) => {
        const { exit } = await finish(channel);
        if (exit.code !== 0) throw new Error('refused');
      });
      await expect(attempt).rejects.toThrow(/refused/);
    });

    it('passes quotes and shell characters to the remote shell as they are', async () => {
      const { out } = await finish(await connection.exec(`printf '%s' 'a "b" $c \\ ;'`));
      expect(out).toBe('a "b" $c \\ ;');
    });

    it('carries several channels at once without mixing them', async () => {
      const words = Array.from({ length: 8 }, (_, index) => `word ${index}`);
      const results = await Promise.all(words.map(async (word) => finish(await connection.exec('cat'), word)));
      expect(results.map(({ out }) => out)).toEqual(words);
    });

    it('brings 32 MiB there and back unchanged', async () => {
      const chunk = Buffer.alloc(65_536, 'sealift');
      const sent = createHash('sha256');
      const received = createHash('sha256');
      const source = Readable.from(
        (function* () {
          for (let i = 0; i < 512; i++) {
            const block = Buffer.from(chunk);
            block.writeUInt32BE(i);
            sent.update(block);
            yield block;
          }
        })(),
      );
      const channel = await connection.exec('cat');
      channel.stderr.resume();
      const reading = (async () => {
        for await (const block of channel.input) received.update(block as Buffer);
      })();
      await pipeline(source, channel.output);
      await reading;
      expect(received.digest('hex')).toBe(sent.digest('hex'));
      expect((await channel.exit).code).toBe(0);
    }, 60_000);

    it('makes a sender wait for a slow reader', async () => {
      const channel = await connection.exec('exec cat /dev/zero');
      channel.stderr.resume();
      channel.input.once('readable', () => {});
      await once(channel.input, 'readable');
      let last = -1;
      // Nothing is read: what is buffered here must stop growing.
      for (let same = 0; same < 200; same = channel.input.readableLength === last ? same + 1 : 0) {
        last = channel.input.readableLength;
        await tick();
      }
      expect(channel.input.readableLength).toBeLessThan(4 * 1024 * 1024);
      channel.close();
      expect((await channel.exit).lost).toBeInstanceOf(Error);
    });

    it('makes a writer wait for a remote side that does not read', async () => {
      const channel = await connection.exec('exec sleep 60');
      channel.input.resume();
      channel.stderr.resume();
      const block = Buffer.alloc(1024 * 1024);
      let written = 0;
      while (written < 64 && channel.output.write(block)) written++;
      expect(written).toBeLessThan(64);
      channel.close();
      await channel.exit;
    });

    it('fails a write that is under way when the channel is closed', async () => {
      const channel = await connection.exec('exec sleep 60');
      channel.input.resume();
      channel.stderr.resume();
      const failed = new Promise<unknown>((resolve) => {
        const push = (): void => {
          channel.output.write(Buffer.alloc(1024 * 1024), (error) => (error ? resolve(error) : push()));
        };
        push();
      });
      await tick();
      channel.close();
      expect(await failed).toBeInstanceOf(Error);
      expect((await channel.exit).lost).toBeInstanceOf(Error);
    });

    it('survives a remote command that ends while it is written to', async () => {
      const channel = await connection.exec('exit 7');
      const error = await new Promise<unknown>((resolve) => {
        const push = (failure?: Error | null): void => {
          if (failure) resolve(failure);
          else channel.output.write(Buffer.alloc(256 * 1024), push);
        };
        channel.input.resume();
        channel.stderr.resume();
        push();
      });
      expect(error).toBeInstanceOf(Error);
      expect((await channel.exit).code).toBe(7);
    });

    it('ends a channel when its signal is aborted', async () => {
      const abort = new AbortController();
      const channel = await connection.exec('exec sleep 60', { signal: abort.signal });
      abort.abort();
      expect((await channel.exit).lost).toBeInstanceOf(Error);
    });

    it('starts nothing for a signal that is aborted already', async () => {
      const reason = new Error('no more');
      await expect(connection.exec('true', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });

    it('tells that the connection was lost when the server dies during a transfer', async () => {
      const doomed = await startSshd();
      try {
        const files = await doomed.client();
        const victim = await connect({ host: files.alias }, { ...options(), args: ['-F', files.configFile] });
        const channel = await victim.exec('exec cat /dev/zero');
        channel.stderr.resume();
        await once(channel.input, 'readable');
        await doomed.kill();
        channel.input.resume();
        expect((await channel.exit).lost).toMatchObject({ code: 'ERR_CONNECTION_LOST' });
        await victim.close();
      } finally {
        await doomed.stop();
      }
    });

    it('closes with open channels, twice, and refuses new ones', async () => {
      const other = await connect({ host: client.alias }, options());
      const channel = await other.exec('exec sleep 60');
      const reading = textOf(channel.input).catch(() => '');
      await other.close();
      await other.close();
      expect((await channel.exit).lost).toBeInstanceOf(Error);
      await reading;
      await expect(other.exec('true')).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' });
    });

    it('reaches a server on ::1', async () => {
      const six = await startSshd({ listenAddress: '::1' });
      try {
        const files = await six.client();
        const other = await connect({ host: files.alias }, { ...options(), args: ['-F', files.configFile] });
        expect((await finish(await other.exec('echo six'))).out).toBe('six\n');
        await other.close();
      } finally {
        await six.stop();
      }
    });
  });
}
