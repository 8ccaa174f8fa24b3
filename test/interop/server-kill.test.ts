import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { keptName, uploadName } from '../../src/files/private-names.ts';
import { thisProcess } from '../../src/files/process-mark.ts';
import { describePeer, needsPeer } from '../support/peers.ts';
import { runProgram, sealiftLauncher } from '../support/sealift.ts';
import { generateKey } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';

/** How many times the server is killed: SEALIFT_KILLS for more. */
const KILLS = Number(process.env['SEALIFT_KILLS'] ?? 10);
const SIZE = 6 * 1024 * 1024;
interface Serving {
  readonly child: ChildProcess;
  readonly port: number;
}

/** Starts `sealift serve` and waits until it says that it listens. */
async function serve(root: string, state: string, publicKey: string): Promise<Serving> {
  const args = ['--data', root, '--state', state, '--listen', '127.0.0.1:0', '--user', 'alice'];
  const child = spawn(process.execPath, [sealiftLauncher, 'serve', ...args, '--authorized-keys', publicKey], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  for await (const data of child.stdout) {
    text += String(data);
    if (text.endsWith('\n')) break;
  }
  return { child, port: Number(/:(\d+)\n/.exec(text)?.[1]) };
}

/** Whatever is in a folder and below it, hidden or not. */
async function allNames(root: string): Promise<string[]> {
  return (await readdir(root, { recursive: true })).sort();
}

/** What is kept stays; what somebody else may be writing too. */
const theirs = [keptName('f', 'somebody'), uploadName('0123456789ab-01234567-1-7-00000000')];

/** Leftovers of earlier processes of this machine: one whose number is this process's now, one from before a reboot. */
async function leaveSome(folder: string): Promise<void> {
  const [place, boot] = thisProcess.id.split('-');
  const reused = uploadName(`${place}-${boot}-${process.pid}-1-00000000`);
  const rebooted = uploadName(`${place}-ffffffff-${process.pid}-1-00000000`);
  for (const name of [reused, rebooted, ...theirs]) await writeFile(join(folder, name), 'left');
  await utimes(join(folder, rebooted), 1, 1);
}

describePeer(['scp', 'ssh', 'ssh-keygen'], 'a server that is killed during an upload', () => {
  it(
    `holds the whole old or the whole new content, ${KILLS} times, and after a start nothing is left`,
    async () => {
      const base = await tempDirectory('kill');
      const [root, state, identity] = ['root', 'state', 'id'].map((name) => join(base, name)) as [
        string,
        string,
        string,
      ];
      await mkdir(join(root, 'd'), { recursive: true });
      await generateKey(identity, 'ed25519');
      const contents = [Buffer.alloc(SIZE, 'a'), Buffer.alloc(SIZE + 1, 'b')] as const;
      for (const [index, content] of contents.entries()) await writeFile(join(base, `new${index}`), content);
      let current: Buffer | undefined;
      const outcomes = { old: 0, new: 0 };
      // The kills are spread over the time that an upload takes here and now, which the first one tells: it is not killed.
      let takesMs = 0;
      for (let turn = 0; turn <= KILLS; turn++) {
        const { child, port } = await serve(root, state, `${identity}.pub`);
        // What the last one left is gone soon.
        const leftovers = async (): Promise<string[]> => (await allNames(root)).filter((name) => /sealift/.test(name));
        while ((await leftovers()).length > 0) await pause(20);
        const fresh = contents[turn % 2] as Buffer;
        const options = ['-F', 'none', '-q', '-i', identity, '-P', String(port), '-o', 'IdentityAgent=none'];
        const trust = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'];
        // By SFTP and by the SCP protocol in turn, over a file and as a new one.
        const protocol = turn % 4 < 2 ? [] : ['-O'];
        const upload = runProgram(needsPeer('scp'), [
          ...options,
          ...trust,
          ...protocol,
          join(base, `new${turn % 2}`),
          'alice@127.0.0.1:d/f',
        ]);
        // From the moment on when something is there, so that the login does not count.
        let isOver = false;
        void upload.then(() => {
          isOver = true;
        });
        while (!isOver && (await leftovers()).length === 0) await pause(5);
        const began = performance.now();
        if (turn === 0) await upload;
        else await pause((takesMs * 1.2 * turn) / KILLS);
        if (turn === 0) takesMs = performance.now() - began;
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
        const { status } = await upload;
        const found = await readFile(join(root, 'd', 'f')).catch(() => undefined);
        const isNew = found?.equals(fresh) === true;
        outcomes[isNew ? 'new' : 'old']++;
        if (!isNew) expect(found === undefined ? current === undefined : current?.equals(found)).toBe(true);
        // Who was told that it is there has it.
        if (status === 0) expect(isNew).toBe(true);
        current = found;
      }
      await leaveSome(join(root, 'd'));
      const { child } = await serve(root, state, `${identity}.pub`);
      while ((await allNames(root)).filter((name) => /sealift/.test(name)).length > theirs.length) await pause(20);
      expect(await allNames(root)).toEqual(['d', ...['f', ...theirs].map((name) => join('d', name))].sort());
      expect(await readFile(join(root, 'd', 'f'))).toEqual(current);
      child.kill('SIGTERM');
      await once(child, 'exit');
      expect(outcomes.old + outcomes.new).toBe(KILLS + 1);
    },
    KILLS * 10_000,
  );
});
