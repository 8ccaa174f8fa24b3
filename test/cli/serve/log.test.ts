import { mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { ServerLog } from '../../../src/cli/serve/log.ts';
import { tempDirectory } from '../../support/temp.ts';

it('a log that cannot be opened is an error with its path and the cure', async () => {
  const path = join(await tempDirectory(), 'none', 'log');
  await expect(ServerLog.open({ level: 'info', format: 'json', file: path })).rejects.toMatchObject({
    message: `${path}: No such file or directory`,
    cure: 'choose another log.file, or make its folder',
  });
});

it('what was written is in the file once it is closed', async () => {
  const path = join(await tempDirectory(), 'log');
  const log = await ServerLog.open({ level: 'info', format: 'json', file: path });
  log.note('info', 'hello');
  log.close();
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ level: 'info', message: 'hello' });
});

it('a log that was moved away is opened anew; where it cannot be, the old one says so', async () => {
  const folder = await tempDirectory();
  const path = join(folder, 'log');
  const log = await ServerLog.open({ level: 'info', format: 'json', file: path });
  log.note('info', 'first');
  await vi.waitFor(async () => expect(await readFile(path, 'utf8')).toContain('first'));
  await rename(path, `${path}.1`);
  await log.reopen();
  log.note('info', 'second');
  await vi.waitFor(async () => expect(await readFile(path, 'utf8')).toContain('second'));
  await rename(path, `${path}.2`);
  await mkdir(path);
  await log.reopen();
  log.note('info', 'third');
  log.close();
  expect(await readFile(`${path}.1`, 'utf8')).not.toContain('second');
  const old = await readFile(`${path}.2`, 'utf8');
  expect(old).toContain(`log: ${path}: Is a directory`);
  expect(old).toContain('third');
});
