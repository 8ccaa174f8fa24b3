import { readFileSync } from 'node:fs';
import {
  appendFile,
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Accounting } from '../../../src/aaa/accounting/accounting.ts';
import { JOURNAL_BYTES, Journal, readJournal } from '../../../src/aaa/accounting/journal.ts';
import { JsonLinesLog } from '../../../src/aaa/accounting/json-lines-log.ts';
import { Ledger } from '../../../src/aaa/accounting/ledger.ts';
import { describeProcess, isProcessAlive } from '../../../src/aaa/accounting/process-name.ts';
import type { AccountedUser, AccountingRecord, StartRecord } from '../../../src/aaa/accounting/record.ts';
import { tempDirectory } from '../../support/temp.ts';

const who: AccountedUser = {
  user: 'alice',
  address: '192.0.2.1',
  port: 50_000,
  authentication: 'local',
  method: 'password',
  privilege: 15,
};
const file = { protocol: 'scp', direction: 'received', path: '/in/a' } as const;
const host = { pid: process.pid, hostname: 'here', warn: () => {} };

async function linesOf(path: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(path, 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function start(id: string, over: Partial<StartRecord> = {}): StartRecord {
  return { record: 'start', kind: 'session', time: '2030-01-01T00:00:00.000Z', id, ...who, ...over } as StartRecord;
}

describe('the log', () => {
  it('is made for its owner alone', async () => {
    const path = join(await tempDirectory(), 'log');
    using log = new JsonLinesLog(path, { warn: () => {} });
    expect(log.lost).toBe(0);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('that is there is appended to, and may let a group in', async () => {
    const path = join(await tempDirectory(), 'log');
    await writeFile(path, '{"record":"old"}\n', { mode: 0o640 });
    await chmod(path, 0o640);
    using log = new JsonLinesLog(path, { warn: () => {} });
    expect(log.write(start('a'))).toBe(true);
    log.flush();
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect(await linesOf(path)).toMatchObject([{ record: 'old' }, { record: 'start', id: 'a' }]);
  });

  it('goes on under its name after it was renamed', async () => {
    const path = join(await tempDirectory(), 'log');
    using log = new JsonLinesLog(path, { sync: 'always', warn: () => {} });
    log.write(start('a'));
    await rename(path, `${path}.1`);
    log.write(start('b'));
    log.reopen();
    log.write(start('c'));
    expect((await linesOf(`${path}.1`)).map(({ id }) => id)).toEqual(['a', 'b']);
    expect((await linesOf(path)).map(({ id }) => id)).toEqual(['c']);
  });

  it('goes on in the old file where it cannot be opened anew', async () => {
    const folder = await tempDirectory();
    const path = join(folder, 'log');
    using log = new JsonLinesLog(path, { warn: () => {} });
    await rename(path, `${path}.1`);
    await mkdir(path);
    expect(() => log.reopen()).toThrow(path);
    log.write(start('a'));
    expect(await linesOf(`${path}.1`)).toHaveLength(1);
  });

  it('is no link and no directory', async () => {
    const folder = await tempDirectory();
    await symlink(join(folder, 'elsewhere'), join(folder, 'link'));
    expect(() => new JsonLinesLog(join(folder, 'link'), { warn: () => {} })).toThrow(/link/);
    expect(() => new JsonLinesLog(folder, { warn: () => {} })).toThrow(folder);
    expect(await readdir(folder)).toEqual(['link']);
  });

  it('shared by several writers holds whole lines', async () => {
    const path = join(await tempDirectory(), 'log');
    using one = new JsonLinesLog(path, { warn: () => {} });
    using other = new JsonLinesLog(path, { warn: () => {} });
    for (let i = 0; i < 100; i++) (i % 2 === 0 ? one : other).write(start(`${i}`, { user: 'x'.repeat(i * 50) }));
    expect((await linesOf(path)).map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`));
  });
});

describe('a journal', () => {
  it('holds what is begun and not ended', async () => {
    const folder = await tempDirectory();
    using journal = new Journal(folder, 'me', () => {});
    for (const id of ['a', 'b', 'c']) journal.begin(start(id));
    journal.end(start('b'));
    journal.end(start('unknown'));
    expect(readJournal(readFileSync(journal.path, 'utf8')).map(({ id }) => id)).toEqual(['a', 'c']);
    expect((await stat(journal.path)).mode & 0o777).toBe(0o600);
  });

  it('is removed where nothing is open, and left otherwise', async () => {
    const folder = await tempDirectory();
    const done = new Journal(folder, 'done', () => {});
    done.begin(start('a'));
    done.end(start('a'));
    done.close();
    done.close();
    const open = new Journal(folder, 'open', () => {});
    open.begin(start('a'));
    open.close();
    open.begin(start('b'));
    expect(await readdir(folder)).toEqual(['open-open.journal']);
  });

  it('stays short however much passes through it', async () => {
    using journal = new Journal(await tempDirectory(), 'me', () => {});
    journal.begin(start('kept'));
    for (let i = 0; i < 10_000; i++) {
      journal.begin(start(`${i}`));
      if (i > 0) journal.end(start(`${i - 1}`));
    }
    expect((await stat(journal.path)).size).toBeLessThan(JOURNAL_BYTES + 10_000);
    expect(readJournal(readFileSync(journal.path, 'utf8')).map(({ id }) => id)).toEqual(['kept', '9999']);
  });

  it('cut off anywhere gives what is whole in it', () => {
    const text = `+${JSON.stringify(start('a'))}\n+${JSON.stringify(start('b'))}\n-"a"\n`;
    for (let at = 0; at <= text.length; at++) {
      for (const found of readJournal(text.slice(0, at))) expect(['a', 'b']).toContain(found.id);
    }
    expect(readJournal('+{"record":"stop","id":"x"}\n+null\nnoise\n-5\n')).toEqual([]);
  });
});

describe('the name of a process', () => {
  it('is that of this one only', () => {
    const name = describeProcess(process.pid);
    expect(isProcessAlive(name)).toBe(true);
    expect(isProcessAlive(`${name}_1a2b`)).toBe(true);
    expect(isProcessAlive(`${name}0`)).toBe(false);
    expect(isProcessAlive(name.replace(/-.*/, '-unknown'))).toBe(false);
    expect(isProcessAlive('nobody')).toBe(false);
  });
});

describe('after a server was killed', () => {
  async function folder(): Promise<{ log: string; journals: string }> {
    const path = await tempDirectory();
    return { log: join(path, 'log'), journals: join(path, 'journals') };
  }

  /** What a process leaves that is killed now: nothing is closed, and its name is that of a process that is gone. */
  async function kill(accounting: { journals: string }, number = 1): Promise<void> {
    const [name = ''] = (await readdir(accounting.journals)).filter((one) => one.includes(`-${process.pid}-`));
    await rename(join(accounting.journals, name), join(accounting.journals, `open-999999-gone.${number}.journal`));
  }

  it('the next one writes the missing stops, once', async () => {
    const options = await folder();
    const killed = Accounting.open(options, host);
    const session = new Ledger(killed.account).session(who);
    session.transfer(file).stop({ status: 'complete', bytes: 1 });
    session.transfer({ ...file, path: '/in/b' });
    await kill(options);
    for (const expected of [2, 0]) {
      using next = Accounting.open(options, host);
      expect(await next.recover()).toBe(expected);
    }
    const lines = await linesOf(options.log);
    expect(lines.map(({ record, kind, status }) => [record, kind, status].map(String).join(' '))).toEqual([
      'start session undefined',
      'start transfer undefined',
      'stop transfer complete',
      'start transfer undefined',
      'stop transfer interrupted',
      'stop session interrupted',
    ]);
    expect(lines[4]).toMatchObject({ path: '/in/b', error: 'server restart', user: 'alice', id: lines[3]?.['id'] });
    expect(await readdir(options.journals)).toEqual([]);
  });

  it('what is written in the log already is not written again, and what is missing there is made up for', async () => {
    const options = await folder();
    const killed = Accounting.open(options, host);
    const records: AccountingRecord[] = [];
    const ledger = new Ledger((record) => records.push(record), { now: () => Date.UTC(2030, 0, 1) });
    const session = ledger.session(who);
    const transfer = session.transfer(file);
    for (const record of records.splice(0)) killed.account(record);
    transfer.stop({ status: 'complete', bytes: 1 });
    // The stop reached the log and not the journal; the next start reached the journal and not the log.
    await appendFile(options.log, `${JSON.stringify(records.splice(0)[0])}\n`);
    const late = new Ledger((record) => records.push(record), { now: () => Date.UTC(2030, 0, 2) });
    late.session(who);
    const [journal = ''] = await readdir(options.journals);
    await appendFile(join(options.journals, journal), `+${JSON.stringify(records[0])}\n+{"record":"sta`);
    await kill(options);
    using next = Accounting.open(options, host);
    expect(await next.recover()).toBe(2);
    const lines = await linesOf(options.log);
    const pairs = new Map<unknown, unknown[]>();
    for (const { id, record } of lines) pairs.set(id, [...(pairs.get(id) ?? []), record]);
    expect(pairs.size).toBe(3);
    for (const pair of pairs.values()) expect(pair).toEqual(['start', 'stop']);
  });

  it('a long log is not read from its beginning, and no start is written twice', async () => {
    const options = await folder();
    const killed = Accounting.open(options, host);
    new Ledger(killed.account, { now: () => Date.UTC(2030, 0, 1) }).session(who);
    const filler = `${JSON.stringify({ record: 'start', kind: 'session', time: '2030-01-02T00:00:00.000Z', id: 'f-1' })}\n`;
    await appendFile(options.log, filler.repeat(Math.ceil((5 * 1024 * 1024) / filler.length)));
    await kill(options);
    using next = Accounting.open(options, host);
    expect(await next.recover()).toBe(1);
    const ends = (await linesOf(options.log)).filter(({ id }) => id !== 'f-1');
    expect(ends.map(({ record }) => record)).toEqual(['start', 'stop']);
  });

  it('a journal that is none is left for somebody to look at, and told of', async () => {
    const options = await folder();
    const warnings: string[] = [];
    using next = Accounting.open(options, { ...host, warn: (text) => warnings.push(text) });
    const path = join(options.journals, 'open-999999-gone.1.journal');
    await writeFile(path, '');
    await truncate(path, 256 * 1024 * 1024 + 1);
    expect(await next.recover()).toBe(0);
    expect(warnings).toEqual([`${path}: File too large`]);
    expect(await readdir(options.journals)).toContain('open-999999-gone.1.journal');
  });

  it('journals of processes that live are left alone', async () => {
    const options = await folder();
    using worker = Accounting.open(options, host);
    const session = new Ledger(worker.account).session(who);
    using primary = Accounting.open(options, host);
    expect(await primary.recover()).toBe(0);
    session.stop({ status: 'complete', bytesReceived: 0, bytesSent: 0 });
    expect(await linesOf(options.log)).toHaveLength(2);
  });

  it('a log that takes nothing keeps the journal for the next start', async () => {
    const options = await folder();
    const killed = Accounting.open(options, host);
    new Ledger(killed.account).session(who);
    await kill(options);
    const next = Accounting.open(options, host);
    next.close();
    expect(await next.recover()).toBe(0);
    expect(await readdir(options.journals)).toEqual(['open-999999-gone.1.journal']);
  });
});
