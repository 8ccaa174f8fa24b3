import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { connect } from '../../../src/ssh/connect.ts';
import { openProgramConnection } from '../../../src/ssh/program/connection.ts';
import { tempDirectory } from '../../support/temp.ts';
import { finish, textOf } from '../streams.ts';

/** A program in place of ssh. */
async function program(script: string): Promise<string> {
  const file = join(await tempDirectory(), 'ssh');
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

const open = async (script: string) => openProgramConnection({ host: 'h' }, { program: await program(script) });

it('a program that is not there is told with a cure', async () => {
  const connection = openProgramConnection({ host: 'h' }, { program: '/nonexistent/ssh' });
  await expect(connection.exec('x')).rejects.toMatchObject({
    code: 'ENOENT',
    cure: expect.stringContaining('builtin'),
  });
});

it('the program gets its words without a shell in between', async () => {
  const connection = await open(`for word; do printf '%s\\n' "$word"; done`);
  const { out } = await finish(await connection.exec('a "b" $c; `d`'));
  expect(out.trimEnd().split('\n').at(-1)).toBe('a "b" $c; `d`');
});

it('status 255 is a lost connection, any other that of the command', async () => {
  expect((await finish(await (await open('exit 255')).exec('x'))).exit).toMatchObject({
    code: 255,
    lost: expect.any(Error),
  });
  expect((await finish(await (await open('exit 254')).exec('x'))).exit).toEqual({ code: 254, signal: null });
});

it('a program that ignores signals does not hold up the end', async () => {
  const connection = await open(`trap '' TERM INT HUP PIPE; echo ready; while :; do sleep 0.1; done`);
  const channel = await connection.exec('x');
  await new Promise((resolve) => channel.input.once('readable', resolve));
  await connection.close();
  expect((await channel.exit).lost).toBeInstanceOf(Error);
});

it('a grandchild that holds the pipes does not hold up the end', async () => {
  const pidFile = join(await tempDirectory(), 'pid');
  const connection = await open(`(trap '' TERM; exec sleep 30) & echo $! > ${pidFile}; echo out; exit 3`);
  const channel = await connection.exec('x');
  try {
    expect(await channel.exit).toEqual({ code: 3, signal: null });
    // The output ends too, although the grandchild could still write.
    expect(await textOf(channel.input)).toBe('out\n');
  } finally {
    channel.close();
    process.kill(Number(await readFile(pidFile, 'utf8')), 'SIGKILL');
  }
});

it('auto takes the program, and the built-in transport for what the program cannot do', async () => {
  const file = await program('exit 0');
  const environment = { home: '/nonexistent', user: 'me', path: '' };
  const connection = await connect({ host: 'h' }, { program: file, environment });
  expect((await finish(await connection.exec('x'))).exit.code).toBe(0);
  const needsBuiltin = connect({ host: '127.0.0.1', port: 1 }, { program: file, environment, hostKeys: ['SHA256:x'] });
  await expect(needsBuiltin).rejects.toMatchObject({ phase: 'connect' });
  const asked = connect({ host: 'h' }, { transport: 'ssh', program: file, environment, credentials: {} });
  await expect(asked).rejects.toMatchObject({ code: 'ENOTSUP' });
});

it('options are said to the program once', async () => {
  const file = await program(`for word; do printf '%s\\n' "$word"; done`);
  const environment = { home: '/nonexistent', user: 'me', path: '' };
  const options = { program: file, environment, batchMode: true, connectTimeoutMs: 1500 };
  const words = async (args: string[]) => {
    const connection = await connect({ host: 'h' }, { ...options, args });
    return (await finish(await connection.exec('x'))).out.split('\n').filter((word) => /batch|timeout/i.test(word));
  };
  expect(await words([])).toEqual(['-oBatchMode=yes', '-oConnectTimeout=2']);
  expect(await words(['-oBatchmode=yes', '-o', 'ConnectTimeout=9'])).toEqual(['-oBatchmode=yes', 'ConnectTimeout=9']);
});
