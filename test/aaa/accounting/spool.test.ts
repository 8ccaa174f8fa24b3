import { readdirSync, readFileSync, statSync } from 'node:fs';
import { appendFile, mkdir, readdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeProcess } from '../../../src/aaa/accounting/process-name.ts';
import { Spool } from '../../../src/aaa/accounting/spool.ts';
import { listSpools, nobody, spoolPath, targetName } from '../../../src/aaa/accounting/spool-name.ts';
import { freeSpools } from '../../../src/aaa/accounting/spool-recovery.ts';
import { tempDirectory } from '../../support/temp.ts';

const target = targetName('192.0.2.9', 514);
const here = `${describeProcess(process.pid)}_`;

function spoolIn(
  directory: string,
  options: { maxBytes?: number; owner?: string; warn?: (text: string) => void } = {},
) {
  const { maxBytes, owner = `${here}a`, warn = () => {} } = options;
  return new Spool({ directory, target, owner, warn, maxBytes });
}

/** Takes everything that is left. */
function drain(spool: Spool): string[] {
  const messages: string[] = [];
  for (let part = spool.next(); part !== undefined; part = spool.next()) {
    let { data } = part;
    for (let head = /^(\d+) /.exec(data); head !== null; head = /^(\d+) /.exec(data)) {
      const end = head[0].length + Number(head[1]);
      messages.push(data.slice(head[0].length, end));
      data = data.slice(end);
    }
    expect(data).toBe('');
    spool.taken(part.bytes);
  }
  return messages;
}

function pathOf(directory: string): string {
  const [name = ''] = readdirSync(directory);
  return join(directory, name);
}

describe('a spool', () => {
  it('gives out what was put in, in order, in parts, and leaves nothing when all has come', async () => {
    const directory = await tempDirectory();
    const spool = spoolIn(directory);
    expect(spool.isEmpty).toBe(true);
    expect(spool.next()).toBeUndefined();
    const messages = Array.from({ length: 2000 }, (_, index) => `message ${index} ${'x'.repeat(index % 300)}`);
    for (const message of messages) expect(spool.append(message)).toBe('kept');
    expect(statSync(pathOf(directory)).mode & 0o777).toBe(0o600);
    expect(spool.next()?.data.length).toBeLessThanOrEqual(64 * 1024);
    expect(drain(spool)).toEqual(messages);
    expect(spool.waitingBytes).toBe(0);
    expect(spool.append('late')).toBe('kept');
    expect(drain(spool)).toEqual(['late']);
    spool.empty();
    expect(await readdir(directory)).toEqual([]);
    expect(spool.append('again')).toBe('kept');
    expect(drain(spool)).toEqual(['again']);
  });

  it('gives out again what a connection took before it broke, and nothing of the connection before', async () => {
    const spool = spoolIn(await tempDirectory());
    spool.append('a');
    spool.begin();
    expect(drain(spool)).toEqual(['a']);
    spool.begin();
    spool.append('b');
    spool.append('c');
    expect(drain(spool)).toEqual(['b', 'c']);
    spool.rewind();
    expect(drain(spool)).toEqual(['b', 'c']);
  });

  it('removes from the disk what was sent long ago, while the rest is sent', async () => {
    const directory = await tempDirectory();
    const spool = spoolIn(directory);
    const message = 'x'.repeat(8000);
    for (let i = 0; i < 2600; i++) spool.append(message);
    spool.begin();
    const files = (await readdir(directory)).length;
    expect(files).toBe(5);
    expect(drain(spool)).toHaveLength(2600);
    expect((await readdir(directory)).length).toBe(3);
    // All that is left on the disk and nothing more is in doubt.
    spool.rewind();
    expect(drain(spool).length).toBeGreaterThanOrEqual((10 * 1024 * 1024) / 8006 - 1);
  });

  it('takes no more than it may have, all processes together, and takes more when something is gone', async () => {
    const directory = await tempDirectory();
    const maxBytes = 10_000;
    const one = spoolIn(directory, { maxBytes });
    const other = spoolIn(directory, { maxBytes, owner: `${here}b` });
    const message = 'x'.repeat(100);
    let kept = 0;
    for (let i = 0; i < 50; i++) kept += Number(one.append(message) === 'kept');
    expect(kept).toBe(50);
    for (let i = 0; i < 100; i++) kept += Number(other.append(message) === 'kept');
    expect(kept).toBeGreaterThan(90);
    expect(kept).toBeLessThan(96);
    expect([one.append(message), one.append('y'), other.append('y')]).toEqual(['full', 'full', 'full']);
    drain(one);
    one.empty();
    expect([one.append('y'), other.append('y')]).toEqual(['kept', 'kept']);
  });

  it('passes over a line that was cut off, wherever that was', async () => {
    const whole = '5 first\n6 second\n';
    for (let at = 0; at <= whole.length; at++) {
      const directory = await tempDirectory();
      await writeFile(spoolPath(directory, { target, owner: nobody('1'), number: 1 }), whole.slice(0, at));
      const spool = spoolIn(directory);
      spool.adopt();
      spool.append('third');
      expect(drain(spool)).toEqual(['first', 'second'].slice(0, at < 7 ? 0 : at < 16 ? 1 : 2).concat('third'));
    }
  });

  it('gives out messages only, whatever is in the file', async () => {
    const directory = await tempDirectory();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (noise) => {
        const path = spoolPath(directory, { target, owner: nobody('1'), number: 1 });
        await writeFile(path, Buffer.concat([Buffer.from('2 ok\n'), noise, Buffer.from('\n2 ok\n')]));
        const spool = spoolIn(directory);
        spool.adopt();
        const messages = drain(spool);
        spool.empty();
        expect(messages[0]).toBe('ok');
        expect(messages.at(-1)).toBe('ok');
      }),
      { numRuns: 100 },
    );
  });

  it('passes over what is longer than any message', async () => {
    const directory = await tempDirectory();
    const path = spoolPath(directory, { target, owner: nobody('1'), number: 1 });
    await writeFile(path, `2 ok\n${'9'.repeat(200_000)}\n2 ok\n`);
    const spool = spoolIn(directory);
    spool.adopt();
    expect(drain(spool)).toEqual(['ok', 'ok']);
  });

  it('takes no message that is not one line', async () => {
    const spool = spoolIn(await tempDirectory());
    for (const message of ['', 'a\nb', 'a\rb', 'ä', '\0']) expect(() => spool.append(message)).toThrow(TypeError);
    expect(spool.isEmpty).toBe(true);
  });

  it('that becomes shorter under it gives up that file, says so, and goes on', async () => {
    const directory = await tempDirectory();
    const warnings: string[] = [];
    const spool = spoolIn(directory, { warn: (text) => warnings.push(text) });
    spool.append('a');
    await truncate(pathOf(directory), 2);
    expect(spool.next()).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining('wait for the next start')]);
    expect(spool.append('b')).toBe('kept');
    expect(drain(spool)).toEqual(['b']);
  });
});

describe('what a process has left', () => {
  it('is taken by one of those who try, after it was released', async () => {
    const directory = await tempDirectory();
    const gone = spoolIn(directory);
    for (const message of ['a', 'b']) gone.append(message);
    const other = spoolIn(directory, { owner: `${here}b` });
    other.adopt();
    expect(other.isEmpty).toBe(true);
    gone.release();
    gone.release();
    expect(gone.append('c')).toBe('failed');
    const third = spoolIn(directory, { owner: `${here}c` });
    other.adopt();
    third.adopt();
    expect(drain(other)).toEqual(['a', 'b']);
    expect(third.isEmpty).toBe(true);
  });

  it('comes before what is newer, and does not become more and more files', async () => {
    const directory = await tempDirectory();
    const expected: string[] = [];
    for (let start = 0; start < 30; start++) {
      const spool = spoolIn(directory);
      spool.adopt();
      expected.push(`message ${start}`);
      spool.append(`message ${start}`);
      spool.release();
    }
    expect(await readdir(directory)).toHaveLength(1);
    for (let start = 0; start < 30; start++) {
      const spool = spoolIn(directory);
      spool.append(`late ${start}`);
      expected.push(`late ${start}`);
      spool.release();
    }
    expect(await readdir(directory)).toHaveLength(31);
    const last = spoolIn(directory);
    last.adopt();
    expect(await readdir(directory)).toHaveLength(1);
    expect(drain(last).toSorted()).toEqual(expected.toSorted());
  });

  it('is no link, no folder and no other file', async () => {
    const directory = await tempDirectory();
    const outside = join(await tempDirectory(), 'secret');
    await writeFile(outside, '2 ok\n');
    await symlink(outside, spoolPath(directory, { target, owner: nobody('1'), number: 1 }));
    await mkdir(spoolPath(directory, { target, owner: nobody('2'), number: 1 }));
    await writeFile(join(directory, `spool-${target}-x.syslog`), '2 ok\n');
    const warnings: string[] = [];
    const spool = spoolIn(directory, { warn: (text) => warnings.push(text) });
    spool.adopt();
    expect(spool.next()).toBeUndefined();
    expect(warnings).toHaveLength(2);
    expect(readFileSync(outside, 'utf8')).toBe('2 ok\n');
  });

  it('is freed if the process is gone, and left alone while it lives', async () => {
    const directory = await tempDirectory();
    const options = { directory, own: `${here}f`, targets: [target], warn: () => {} };
    const names = {
      dead: spoolPath(directory, { target, owner: '999999-gone.1_aa', number: 3 }),
      alive: spoolPath(directory, { target, owner: `${here}aa`, number: 1 }),
    };
    for (const path of Object.values(names)) await writeFile(path, '2 ok\n');
    await writeFile(join(directory, 'open-999999-gone.1_aa.journal'), '');
    freeSpools(options);
    freeSpools(options);
    const left = await readdir(directory);
    expect(left).toContain(basename(names.alive));
    expect(left).toContain('open-999999-gone.1_aa.journal');
    expect(left.filter((name) => name.includes('-0-nobody_'))).toHaveLength(1);
    expect(left).toHaveLength(3);
  });

  it('for a server that is not configured any more stays, with one warning that says what to do', async () => {
    const directory = await tempDirectory();
    const paths = ['999999-gone.1_aa', nobody('1')].map((owner) => spoolPath(directory, { target, owner, number: 1 }));
    for (const path of paths) await writeFile(path, '2 ok\n');
    const warnings: string[] = [];
    freeSpools({ directory, own: `${here}f`, targets: ['other_514'], warn: (text) => warnings.push(text) });
    expect(warnings).toHaveLength(1);
    for (const path of [...paths, 'remove the files']) expect(warnings[0]).toContain(path);
    expect(
      listSpools(directory)
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual(paths.toSorted());
  });
});

describe('the name of a target', () => {
  it('is safe in a file system, short, and no other one has it', () => {
    const hosts = [
      '192.0.2.9',
      '::1',
      '2001:db8::1',
      '2001-db8--1',
      'Log.Example',
      'a_b',
      '../..',
      'ä',
      'x'.repeat(300),
    ];
    const names = hosts.map((host) => targetName(host, 514));
    expect(new Set(names).size).toBe(hosts.length);
    for (const name of names) expect(name).toMatch(/^[0-9a-z.+=~-]{1,100}_514$/);
    expect(targetName('log.example', 514)).toBe(targetName('Log.Example', 514));
    expect(targetName('a', 1)).not.toBe(targetName('a', 11));
  });

  it('is found again in the name of a file', async () => {
    const directory = await tempDirectory();
    const one = { target: targetName('fe80::1-2_3', 65_535), owner: `${here}ab`, number: 7 };
    await appendFile(spoolPath(directory, one), '');
    expect(listSpools(directory)).toEqual([expect.objectContaining(one)]);
  });
});
