import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { thisProcess } from '../../../src/files/process-mark.ts';
import { startOf } from '../../../src/files/start-paths.ts';
import { Roots, type RootsView } from '../../../src/server/roots.ts';
import { nobodyElse } from '../../../src/server/sftp/people.ts';
import { SessionFiles } from '../../../src/server/sftp/session-files.ts';
import { tempDirectory } from '../../support/temp.ts';

/** A session on the roots /home and /flash, which has `f` and the prefix `flash:`. */
async function sessionOf(view: RootsView): Promise<SessionFiles> {
  const base = await tempDirectory('roots');
  for (const name of ['home', 'flash']) await mkdir(join(base, name));
  await writeFile(join(base, 'flash', 'f'), 'flash');
  await writeFile(join(base, 'home', 'flash:f'), 'a name');
  const roots = await Roots.open([
    { name: 'home', path: join(base, 'home') },
    { name: 'flash', path: join(base, 'flash'), prefix: 'flash:' },
  ]);
  const fileSystem = roots.view(view);
  return new SessionFiles({
    fileSystem,
    start: startOf(fileSystem),
    user: 'alice',
    modeMask: 0o777,
    owners: 'ignore',
    readOnly: false,
    durable: false,
    hashes: false,
    people: nobodyElse,
    observer: {
      takeSlot: () => ({ start: () => ({ moved() {}, ended() {} }), release() {} }),
      changed() {},
      failed() {},
    },
    process: thisProcess,
  });
}

it('SFTP begins where the user is at home, and knows prefixes', async () => {
  const files = await sessionOf({ home: '/home' });
  expect(await files.realPath('.')).toBe('/home');
  expect(await files.realPath('')).toBe('/home');
  expect(await files.home('')).toBe('/home');
  expect(await files.expand('~/x')).toBe('/home/x');
  for (const path of ['flash:f', 'flash:/f', '/flash:f', '../flash/f']) {
    expect(await files.realPath(path)).toBe('/flash/f');
    expect(await files.status(path, true)).toMatchObject({ size: 5 });
  }
  expect(await files.status('./flash:f', true)).toMatchObject({ size: 6 });
  expect(await files.status('/home/flash:f', true)).toMatchObject({ size: 6 });
  await files.end();
});

it('SFTP begins at the top without a home', async () => {
  const files = await sessionOf({});
  expect([await files.realPath('.'), await files.realPath(''), await files.home('')]).toEqual(['/', '/', '/']);
  expect(await files.realPath('flash:')).toBe('/flash');
  await files.end();
});
