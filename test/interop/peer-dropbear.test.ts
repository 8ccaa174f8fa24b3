import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeCopies, LINE_FEEDS, NO_SFTP_THERE, NOT_WITH_SCP, scpAt, silent } from '../support/peer-copies.ts';
import { dbclientFor, startDropbear } from '../support/peer-dropbear.ts';
import type { PeerServer } from '../support/peer-server.ts';
import { describePeer } from '../support/peers.ts';
import { runSealift } from '../support/sealift.ts';
import { tempDirectory } from '../support/temp.ts';

const NOTICE = 'sealift: server: the server has no SFTP; copying by the SCP protocol (-O)\n';
/** The shell of the host says that there is no such program. */
const SHELL = 'sh: 1: /usr/lib/sftp-absent: not found\n';

const treeDifferences = (way: 'up' | 'down') => (way === 'up' ? LINE_FEEDS : []);

describePeer(
  ['dropbear', 'dropbearconvert', 'nss-wrapper', 'sftp-server', 'scp', 'ssh', 'ssh-keygen'],
  'dropbear',
  () => {
    describe('with an sftp-server', () => {
      let server: PeerServer;
      beforeAll(async () => {
        server = await startDropbear({ sftp: true });
      });
      afterAll(async () => {
        await server?.stop();
      });
      describeCopies('by SFTP', () => server, []);
      describeCopies('with -O', () => server, ['-O'], { refusal: NOT_WITH_SCP, treeDifferences });
    });

    describe('without an sftp-server', () => {
      let server: PeerServer;
      beforeAll(async () => {
        server = await startDropbear({ sftp: false });
      });
      afterAll(async () => {
        await server?.stop();
      });
      describeCopies('by itself', () => server, [], {
        refusal: NO_SFTP_THERE,
        treeDifferences,
        notice: new RegExp(`^(${SHELL})?${NOTICE.replace(/[().]/g, '\\$&')}$`),
      });

      describe.each(['ssh', 'builtin'] as const)('by the transport %s', (transport) => {
        const scp = scpAt(() => server, [`--transport=${transport}`]);

        it('is asked for SFTP once, however many operands there are, with names that mean nothing to the shell there', async () => {
          const dir = await tempDirectory();
          const names = ['a', 'b c', "d'e", '$(f)'];
          for (const folder of ['from', 'there', 'back']) await mkdir(join(dir, folder));
          for (const name of names) await writeFile(join(dir, 'from', name), name);
          const up = await scp([...names.map((name) => join(dir, 'from', name)), `server:${dir}/there`]);
          expect(up).toMatchObject({ status: 0, stdout: '' });
          expect(up.stderr.split(NOTICE)).toHaveLength(2);
          const down = await scp([...names.map((name) => `server:${dir}/there/${name}`), join(dir, 'back')]);
          expect(down).toMatchObject({ status: 0, stdout: '' });
          expect(down.stderr.split(NOTICE)).toHaveLength(2);
          expect((await readdir(join(dir, 'back'))).sort()).toEqual([...names].sort());
        });

        it('falls back with exactly one line', async () => {
          const dir = await tempDirectory();
          await writeFile(join(dir, 'f'), 'x');
          expect(await scp([join(dir, 'f'), `server:${dir}/g`])).toEqual({ ...silent, stderr: NOTICE });
        });

        it('says nothing of it with -q', async () => {
          const dir = await tempDirectory();
          await writeFile(join(dir, 'f'), 'x');
          const { status, stderr } = await scp(['-q', join(dir, 'f'), `server:${dir}/g`]);
          expect(status).toBe(0);
          expect(stderr).not.toContain('SFTP');
          expect(await readFile(join(dir, 'g'), 'utf8')).toBe('x');
        });

        it('is not fallen back on with -s: the reason is clear and nothing is copied', async () => {
          const dir = await tempDirectory();
          await writeFile(join(dir, 'f'), 'x');
          const { status, stderr } = await scp(['-s', join(dir, 'f'), `server:${dir}/g`]);
          expect(status).toBe(255);
          expect(stderr).toContain('sealift: server: the server does not offer SFTP\n');
          expect(await readdir(dir)).toEqual(['f']);
        });
      });
    });
  },
);

/*
 * dbclient 2022.83 as the program of `-S`: it takes `-x`, `-o…` and `--` and warns of each that it does not know, on standard error and in spite of `-q`; `-F` it does not take at all, nor keys of
 * OpenSSH's format with `-i`; `-P`, `-l`, `user@host` and `-s` (the subsystem) work. Where the connection fails it ends with 1, which looks as a server without SFTP does.
 */
describePeer(
  ['dropbear', 'dropbearconvert', 'dbclient', 'nss-wrapper', 'sftp-server', 'scp', 'ssh-keygen'],
  'dbclient as the ssh program',
  () => {
    const warnings = /^\n|^WARNING: Ignoring unknown option .*\n|^\S+: Ignoring unknown configuration option .*\n/gm;

    it.each([
      ['by SFTP', true, ['-s'], ''],
      ['with -O', true, ['-O'], ''],
      ['falling back', false, [], NOTICE],
    ] as const)('copies both ways %s', async (_title, sftp, options, notice) => {
      const server = await startDropbear({ sftp });
      try {
        const program = await dbclientFor(server);
        const dir = await tempDirectory();
        const content = Buffer.alloc(3_000_000, 'dbclient ');
        await writeFile(join(dir, 'f'), content);
        const scp = (...args: string[]) =>
          runSealift(['scp', '-p', ...options, '-S', program, '-P', String(server.port), ...args]);
        const up = await scp(join(dir, 'f'), `${server.user}@127.0.0.1:${dir}/g`);
        const said = (stderr: string) =>
          stderr.replaceAll(warnings, '').replace(SHELL, '').replace('127.0.0.1:', 'server:');
        expect({ ...up, stderr: said(up.stderr) }).toEqual({ ...silent, stderr: notice });
        const down = await scp(`${server.user}@127.0.0.1:${dir}/g`, join(dir, 'h'));
        expect({ ...down, stderr: said(down.stderr) }).toEqual({ ...silent, stderr: notice });
        expect((await readFile(join(dir, 'h'))).equals(content)).toBe(true);
      } finally {
        await server.stop();
      }
    });
  },
);
