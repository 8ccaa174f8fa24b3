import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RemoteEnd, type RemoteEndOutcome } from '../support/hostile-client.ts';
import { expectCleanEnd } from '../support/hostile-run.ts';
import { Sandbox } from '../support/hostile-sandbox.ts';
import { canWatchMemory, MEMORY_LIMIT_MIB } from '../support/hostile-watch.ts';

const STOP_MS = 4_000;
const MiB = 1024 * 1024;

interface Case {
  readonly title: string;
  readonly sent: string;
  readonly flags?: readonly string[];
  /** What the client is told, with `<0>` and `<1>` for these bytes. */
  readonly told?: RegExp;
  readonly changes?: readonly string[];
}

const file = 'C0644 2 f\nX\n\0';
const begun = ['t work/out'];
const landed = ['! work/out/f: file 640 "X\\n"', 't work/out'];
const unsafe = /^(<0>)+<1>scp: error: unexpected filename: /;

/** Runs the remote end on exactly these bytes and the end of input. */
async function play(
  flags: readonly string[],
  sent: string,
): Promise<RemoteEndOutcome & { told: string; changes: string[] }> {
  await using sandbox = await Sandbox.create();
  const end = new RemoteEnd(sandbox, flags);
  end.read();
  end.send(sent);
  end.end();
  const outcome = await end.ended();
  expectCleanEnd(outcome, JSON.stringify(sent.slice(0, 100)));
  const told = outcome.sent.replaceAll('\0', '<0>').replaceAll('\x01', '<1>');
  return { ...outcome, told, changes: await sandbox.changes() };
}

const names = ['../esc', '/tmp/sealift-hostile-absolute', 'a/b', './f', 'f/', '..', '.', '', 'f\0', '/'];

const sinkCases: readonly Case[] = [
  ...names.map((name) => ({
    title: `a file named ${JSON.stringify(name)}`,
    sent: `C0644 2 ${name}\nX\n\0`,
    told: unsafe,
  })),
  ...names.map((name) => ({
    title: `a directory named ${JSON.stringify(name)}, with -rp`,
    flags: ['-rp'],
    sent: `T5 0 5 0\nD0777 0 ${name}\nE\n`,
    told: unsafe,
  })),
  { title: 'a directory without -r', sent: 'D0755 0 d\nE\n', told: /received directory without -r/ },
  { title: 'a line of 100,000 bytes', sent: `C0644 ${'1'.repeat(100_000)}`, told: /record is too long/ },
  { title: 'a size of 2^63 - 1', sent: 'C0644 9223372036854775807 f\n', told: /size out of range/ },
  { title: 'a size of 2^53 - 1 and the end', sent: 'C0644 9007199254740991 f\nX', changes: begun },
  { title: 'the end after part of the data', sent: 'C0644 1000 f\nhello', changes: begun },
  { title: 'the end before the verdict', sent: 'C0644 2 f\nX\n', changes: begun },
  { title: 'an error as verdict', sent: 'C0644 2 f\nX\n\x01scp: f: read error\n', changes: begun },
  { title: 'garbage as verdict', sent: 'C0644 2 f\nX\ngarbage\n', told: /<1>scp: /, changes: begun },
  { title: 'its last words', sent: '\x02die\n' },
  { title: 'an error message and the file', sent: `\x01oops\n${file}`, changes: landed },
  { title: 'noise', sent: 'GET / HTTP/1.1\r\n\r\n', told: /<1>scp: / },
  { title: 'an E too many', flags: ['-r'], sent: 'E\n', told: /end of a directory that was not entered/ },
  {
    title: 'an E too few',
    flags: ['-r'],
    sent: 'D0755 0 f.d\n',
    changes: ['+ work/out/f.d: directory 755', 't work/out'],
  },
  { title: 'directories without end', flags: ['-r'], sent: 'D0755 0 keep\n'.repeat(3), told: /keep: Not a directory/ },
];

describe('scp -t of a hostile client', { concurrent: true, timeout: 60_000 }, () => {
  it.each(sinkCases)(
    'that sends $title fails with status 1 and harms nothing',
    async ({ sent, flags, told, changes }) => {
      const outcome = await play([...(flags ?? []), '-t', 'out'], sent);
      expect(outcome.status).toBe(1);
      expect(outcome.changes).toEqual(changes ?? []);
      if (told !== undefined) expect(outcome.told).toMatch(told);
    },
  );

  it('whose stream is cut anywhere leaves nothing half-written', async () => {
    const session = 'T5 0 5 0\nD0755 0 f.d\nC0644 5 x\nhello\0E\n';
    const runs = Array.from({ length: session.length }, (_, length) =>
      play(['-rp', '-t', 'out'], session.slice(0, length)),
    );
    for (const [length, outcome] of (await Promise.all(runs)).entries()) {
      const files = outcome.changes.filter((line) => line.includes(': file '));
      expect(
        files.every((line) => line === '+ work/out/f.d/x: file 644 "hello"'),
        `cut at ${length}: ${files.join(', ')}`,
      ).toBe(true);
    }
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'that is silent in the middle of a file ends at %s, at once and without leftovers',
    async (name) => {
      await using sandbox = await Sandbox.create();
      const end = new RemoteEnd(sandbox, ['-t', 'out']);
      end.send('C0644 1000 f\nhello');
      await end.receive(2);
      end.signal(name);
      const outcome = await end.ended();
      expectCleanEnd(outcome);
      expect(outcome.status).toBe(1);
      expect(await sandbox.changes()).toEqual(begun);
      expect(end.watch.sinceSignalMs()).toBeLessThan(STOP_MS);
    },
  );

  it('that closes its side of the output gets no crash, and what was whole may land', async () => {
    for (const sent of ['C0644 1000 f\nhello', file, `${file}${file}`, 'C0644 2 ../f\n']) {
      await using sandbox = await Sandbox.create();
      const end = new RemoteEnd(sandbox, ['-t', 'out']);
      end.closeOutput();
      end.send(sent);
      end.end();
      expectCleanEnd(await end.ended(), sent);
      expect(
        (await sandbox.changes()).filter((line) => !landed.includes(line)),
        sent,
      ).toEqual([]);
    }
  });
});

const floods: readonly (readonly [string, string, (round: number) => string, number])[] = [
  ['times records', '', () => 'T0 0 0 0\n'.repeat(7000), 4 * MiB],
  ['error messages', '', () => '\x01oops\n'.repeat(1000), MiB],
  ['empty directories of the same name', 'D0755 0 d\n', () => 'D0755 0 e\nE\n'.repeat(500), MiB],
  ['names that are too long for any file', '', () => `C0644 0 ${'n'.repeat(2000)}\n`.repeat(30), 32 * MiB],
];

describe.skipIf(!canWatchMemory)(
  'scp -t of a hostile client that reads no reply and sends, without end,',
  { timeout: 90_000 },
  () => {
    it.each(floods)('%s takes bounded memory and ends at SIGTERM', async (_, first, block, bytes) => {
      await using sandbox = await Sandbox.create();
      const end = new RemoteEnd(sandbox, ['-rp', '-t', 'out'], 60_000);
      end.send(first);
      await end.flood(block, bytes);
      end.signal('SIGTERM');
      const outcome = await end.ended('unread');
      expect(outcome.peakMiB, 'peak of resident memory in MiB').toBeLessThan(MEMORY_LIMIT_MIB);
      expect(outcome.status).toBe(1);
      expectCleanEnd(outcome);
      expect(end.watch.sinceSignalMs()).toBeLessThan(STOP_MS);
    });
  },
);

const sourceCases: readonly Case[] = [
  { title: 'nothing', sent: '' },
  { title: 'only the first zero', sent: '\0' },
  { title: 'zeros up to the verdict', sent: '\0\0' },
  { title: 'garbage', sent: 'garbage\n' },
  { title: 'garbage after the record', sent: '\0garbage\n' },
  { title: 'an error first', sent: '\x01no\n' },
  { title: 'an error for the record', sent: '\0\x01no\n' },
  { title: 'an error for the data', sent: '\0\0\x01no\n' },
  { title: 'its last words first', sent: '\x02no\n' },
  { title: 'its last words for the record', sent: '\0\x02no\n' },
  { title: 'an error of 100,000 bytes', sent: `\x01${'e'.repeat(100_000)}\n` },
];

describe('scp -f of a hostile client', { concurrent: true, timeout: 60_000 }, () => {
  it.each(sourceCases)('that answers with $title ends with status 1', async ({ sent }) => {
    const outcome = await play(['-f', 'neighbour'], sent);
    expect(outcome.status).toBe(1);
    expect(outcome.changes).toEqual([]);
  });

  it('that sends more zeros than there are replies ends', async () => {
    expect((await play(['-f', 'neighbour'], '\0'.repeat(100_000))).changes).toEqual([]);
  });

  it('that closes its side of the output ends it without a crash', async () => {
    await using sandbox = await Sandbox.create();
    const end = new RemoteEnd(sandbox, ['-f', 'neighbour']);
    end.closeOutput();
    end.send('\0\0\0');
    end.end();
    expectCleanEnd(await end.ended());
  });

  it('that goes on reading cannot keep it after SIGTERM in the middle of a file', async () => {
    await using sandbox = await Sandbox.create();
    await writeFile(join(sandbox.work, 'big'), '');
    await truncate(join(sandbox.work, 'big'), 1024 ** 4);
    const end = new RemoteEnd(sandbox, ['-f', 'big']);
    end.send('\0\0');
    await end.skim(MiB);
    end.signal('SIGTERM');
    const outcome = await end.ended('unread');
    expect(outcome.status).toBe(1);
    expect(end.watch.sinceSignalMs()).toBeLessThan(STOP_MS);
  });

  it.skipIf(!canWatchMemory).each(['SIGTERM', 'SIGINT'] as const)(
    'that reads nothing of 1 GiB makes it wait in bounded memory, and %s ends it',
    async (name) => {
      await using sandbox = await Sandbox.create();
      await writeFile(join(sandbox.work, 'big'), '');
      await truncate(join(sandbox.work, 'big'), 1024 * MiB);
      const end = new RemoteEnd(sandbox, ['-f', 'big']);
      await end.flood(() => '\0\0', 2);
      await end.watch.idle();
      end.signal(name);
      const outcome = await end.ended('unread');
      expect(outcome.peakMiB).toBeLessThan(MEMORY_LIMIT_MIB);
      expect(outcome.status).toBe(1);
      expect(end.watch.sinceSignalMs()).toBeLessThan(STOP_MS);
    },
  );
});
