import { chmod, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openProgramConnection } from '../../../src/ssh/program/connection.ts';
import { tempDirectory } from '../../support/temp.ts';
import { finish, textOf } from '../streams.ts';

const ORDINARY = 'echo "controlmaster false"; echo "sessiontype default"';

/** A connection whose program is a script that does one thing for each kind of words. */
async function open(script: { readonly first: string; readonly further: string; readonly config?: string }) {
  const directory = await tempDirectory();
  const program = join(directory, 'ssh');
  const folder = await tempDirectory('s');
  const text = `#!/bin/sh
case " $* " in
*" -G "*) ${script.config ?? ORDINARY};;
*-oProxyCommand=false*) ${script.further};;
*) ${script.first};;
esac
`;
  await writeFile(program, text);
  await chmod(program, 0o755);
  const connection = openProgramConnection(
    { host: 'h' },
    { program, share: { login: 'with-session', folders: [folder] } },
  );
  onTestFinished(() => connection.close());
  return { connection, folder };
}

it('the first subsystem makes further ones possible, for as long as it is there', async () => {
  const { connection, folder } = await open({ first: 'cat', further: 'echo more' });
  expect(connection.isMultiplexed).toBe(false);
  const first = await connection.subsystem('sftp');
  expect(connection.isMultiplexed).toBe(true);
  expect(await readdir(folder)).toHaveLength(1);
  expect(await textOf((await connection.subsystem('sftp')).input)).toBe('more\n');
  first.output.end();
  expect((await finish(first)).exit).toEqual({ code: 0, signal: null });
  expect(connection.isMultiplexed).toBe(false);
  await connection.close();
  expect(await readdir(folder)).toEqual([]);
});

it('what the program of a refused one says is not told, and it is not a lost connection', async () => {
  const { connection } = await open({ first: 'cat', further: 'echo "mux_client: refused" >&2; exit 255' });
  await connection.subsystem('sftp');
  const further = await connection.subsystem('sftp');
  expect(await textOf(further.stderr)).toBe('');
  expect(await further.exit).toEqual({ code: 255, signal: null });
});

it('the first one is told of what concerns it, and not of refused ones after it', async () => {
  const refusal = 'channel 3: open failed: connect failed: open failed';
  const script = `echo "${refusal}" >&2; echo said; read -r line; echo "${refusal}" >&2; echo last >&2`;
  const { connection } = await open({ first: script, further: 'exit 255' });
  const first = await connection.subsystem('sftp');
  const errors = textOf(first.stderr);
  await new Promise((resolve) => first.input.once('readable', resolve));
  await (await connection.subsystem('sftp')).exit;
  first.output.end('go\n');
  expect(await errors).toBe(`${refusal}\nlast\n`);
});

it('without a login to go through there is none', async () => {
  const { connection } = await open({ first: 'cat', further: 'echo more', config: 'echo "controlmaster auto"' });
  await connection.subsystem('sftp');
  expect(connection.isMultiplexed).toBe(false);
  await expect(connection.subsystem('sftp')).rejects.toMatchObject({ code: 'ERR_NOT_OFFERED' });
});

it('one that says nothing ends at once when it is not wanted any more', async () => {
  const { connection } = await open({ first: 'cat', further: 'exec sleep 60' });
  await connection.subsystem('sftp');
  const abort = new AbortController();
  const further = await connection.subsystem('sftp', { signal: abort.signal });
  abort.abort();
  expect(await further.exit).toMatchObject({ signal: 'TERM' });
});

it('when the first subsystem has ended, the next one logs in again', async () => {
  const { connection } = await open({ first: 'echo first', further: 'echo further' });
  for (let round = 0; round < 2; round++) {
    const { out } = await finish(await connection.subsystem('sftp'));
    expect(out).toBe('first\n');
  }
});
