import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ledger, unaccounted } from '../../../src/aaa/accounting/ledger.ts';
import { type AccountedUser, type AccountingRecord, MAX_TEXT, recordLine } from '../../../src/aaa/accounting/record.ts';
import { syslogMessage } from '../../../src/aaa/accounting/syslog-message.ts';

const who: AccountedUser = {
  user: 'alice',
  address: '192.0.2.1',
  port: 50_000,
  authentication: 'local',
  method: 'publickey',
  privilege: 15,
};
const file = { protocol: 'scp', direction: 'received', path: '/in/a' } as const;

function ledger(): { ledger: Ledger; records: AccountingRecord[]; clock: { now: number } } {
  const records: AccountingRecord[] = [];
  const clock = { now: 0 };
  const one = new Ledger((record) => records.push(record), {
    now: () => Date.UTC(2030, 0, 1) + clock.now,
    monotonic: () => clock.now,
  });
  return { ledger: one, records, clock };
}

describe('the ledger', () => {
  it('writes one start and one stop of each session and file, which share an id', () => {
    const { ledger: one, records, clock } = ledger();
    const session = one.session(who);
    const transfer = session.transfer(file);
    clock.now = 1500;
    transfer.stop({ status: 'complete', bytes: 3, sha256: 'ab' });
    transfer.stop({ status: 'failed', bytes: 0 });
    clock.now = 2000;
    session.stop({ status: 'complete', bytesReceived: 100, bytesSent: 50 });
    session.stop({ status: 'cut', bytesReceived: 0, bytesSent: 0 });
    const [first, second] = [records[0]?.id ?? '', records[1]?.id ?? ''];
    expect(first).not.toBe(second);
    expect(records).toEqual([
      { record: 'start', kind: 'session', time: '2030-01-01T00:00:00.000Z', id: first, ...who },
      {
        record: 'start',
        kind: 'transfer',
        time: '2030-01-01T00:00:00.000Z',
        id: second,
        session: first,
        ...who,
        ...file,
      },
      {
        record: 'stop',
        kind: 'transfer',
        time: '2030-01-01T00:00:01.500Z',
        id: second,
        session: first,
        ...who,
        ...file,
        status: 'complete',
        bytes: 3,
        sha256: 'ab',
        error: undefined,
        durationMs: 1500,
      },
      {
        record: 'stop',
        kind: 'session',
        time: '2030-01-01T00:00:02.000Z',
        id: first,
        ...who,
        status: 'complete',
        bytesReceived: 100,
        bytesSent: 50,
        durationMs: 2000,
      },
    ]);
  });

  it('ends what is open of a session before the session, and what begins behind it at once', () => {
    const { ledger: one, records } = ledger();
    const session = one.session(who);
    session.transfer(file);
    session.stop({ status: 'cut', bytesReceived: 1, bytesSent: 1, error: 'idle' });
    session.transfer(file).stop({ status: 'complete', bytes: 1 });
    expect(records.map(({ record, kind }) => `${record} ${kind}`)).toEqual([
      'start session',
      'start transfer',
      'stop transfer',
      'stop session',
      'start transfer',
      'stop transfer',
    ]);
    expect(records[2]).toMatchObject({ status: 'cut' });
    expect(records[5]).toMatchObject({ status: 'cut' });
    // How much has come is not known.
    for (const at of [2, 5]) expect((records[at] as { bytes?: number }).bytes).toBeUndefined();
  });

  it.each([
    ['is cut off by that', 'cut', 'cut', 'the client left in the middle of a transfer'],
    ['has come to its end all the same', 'complete', 'complete', undefined],
    ['has failed by itself', 'failed', 'complete', undefined],
  ] as const)('a client that leaves with a transfer under way which %s', (_, status, session, error) => {
    const { ledger: one, records } = ledger();
    const account = one.session(who);
    account.transfer(file).stop({ status: 'cut', bytes: 1 });
    const transfer = account.transfer(file);
    account.left();
    transfer.stop({ status, bytes: 1 });
    account.stop({ status: 'complete', bytesReceived: 1, bytesSent: 1 });
    expect(records.at(-1)).toMatchObject({ kind: 'session', status: session });
    expect((records.at(-1) as { error?: string }).error).toBe(error);
  });

  it('what is still open when a session ends, whose client has left, is cut off with it; why the server ended one stays', () => {
    const { ledger: one, records } = ledger();
    const [first, second] = [one.session(who), one.session(who)];
    for (const session of [first, second]) {
      session.transfer(file);
      session.left();
    }
    first.stop({ status: 'complete', bytesReceived: 1, bytesSent: 1 });
    second.stop({ status: 'cut', bytesReceived: 1, bytesSent: 1, error: 'idle' });
    const stops = records.filter(({ record, kind }) => record === 'stop' && kind === 'session');
    expect(stops).toMatchObject([
      { status: 'cut', error: 'the client left in the middle of a transfer' },
      { status: 'cut', error: 'idle' },
    ]);
  });

  it('whatever is called in whatever order: pairs, and no id twice', () => {
    const step = fc.tuple(fc.constantFrom('session', 'transfer', 'stop transfer', 'stop session'), fc.nat(5));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { ledger: one, records } = ledger();
        const sessions: ReturnType<Ledger['session']>[] = [];
        const transfers: ReturnType<(typeof unaccounted)['transfer']>[] = [];
        for (const [what, at] of steps) {
          if (what === 'session') sessions.push(one.session(who));
          if (what === 'transfer') transfers.push((sessions[at] ?? unaccounted).transfer(file));
          if (what === 'stop transfer') transfers[at]?.stop({ status: 'complete', bytes: 1 });
          if (what === 'stop session') sessions[at]?.stop({ status: 'complete', bytesReceived: 0, bytesSent: 0 });
        }
        for (const session of sessions) session.stop({ status: 'cut', bytesReceived: 0, bytesSent: 0 });
        const starts = records.filter(({ record }) => record === 'start').map(({ id }) => id);
        const stops = records.filter(({ record }) => record === 'stop').map(({ id }) => id);
        expect(new Set(starts).size).toBe(starts.length);
        expect([...stops].sort()).toEqual([...starts].sort());
      }),
    );
  });
});

/** Names that an attacker chooses: any characters, and those that break logs more often. */
const hostile = fc.array(
  fc.oneof(
    fc.constantFrom(
      '\n',
      '\r',
      '\0',
      '\u001b[2J',
      '"',
      '\\',
      '\u2028',
      '\u202e',
      '\u0085',
      '\u200b',
      '\ud800',
      '\udcff',
      '"}\n{"',
    ),
    fc.string({ unit: 'binary' }),
  ),
);

describe('a record as text', () => {
  const start = (text: string): AccountingRecord => ({
    record: 'start',
    kind: 'transfer',
    time: '2030-01-01T00:00:00.000Z',
    id: 'a-2',
    session: 'a-1',
    ...who,
    ...file,
    user: text,
    path: text,
  });

  it('is one line without anything that a terminal or a reader of lines takes for more than a letter, and reads back', () => {
    fc.assert(
      fc.property(hostile, (parts) => {
        const record = start(parts.join(''));
        const line = recordLine(record);
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        expect(JSON.parse(line)).toEqual(record);
      }),
      { numRuns: 1000 },
    );
  }, 60_000);

  it('is bounded', () => {
    const line = recordLine(start('\0'.repeat(10_000_000)));
    expect(line.length).toBeLessThan(2 * 6 * MAX_TEXT + 1000);
    expect(JSON.parse(line)).toMatchObject({ kind: 'transfer' });
  });

  const origin = { facility: 'local7', hostname: 'host.example', appName: 'sealift', pid: 42 } as const;

  it('is a message of RFC 5424', () => {
    expect(syslogMessage(start('x'), origin, 2048)).toBe(
      `<190>1 2030-01-01T00:00:00.000Z host.example sealift 42 transfer-start - ${recordLine(start('x'))}`,
    );
    const stop: AccountingRecord = {
      record: 'stop',
      kind: 'session',
      time: '2030-01-01T00:00:00.000Z',
      id: 'a',
      ...who,
      status: 'interrupted',
    };
    expect(syslogMessage(stop, origin, 2048)).toMatch(/^<189>1 .* session-stop - /);
    expect(syslogMessage(stop, { ...origin, hostname: 'bad \n host\u00e9' }, 2048)).toContain('Z badhost sealift');
    expect(syslogMessage(stop, { ...origin, hostname: '' }, 2048)).toContain('Z - sealift');
  });

  it('fits into a message whatever is in it, in printable ASCII that reads as JSON', () => {
    fc.assert(
      fc.property(hostile, fc.nat(200), (parts, times) => {
        const message = syslogMessage(start(parts.join('').repeat(times)), origin, 2048);
        expect(message.length).toBeLessThanOrEqual(2048);
        expect(message).toMatch(/^<190>1 [\x20-\x7e]*$/);
        expect(JSON.parse(message.slice(message.indexOf('{')))).toMatchObject({ id: 'a-2' });
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it('is one line, whatever a program gives as the time', () => {
    const message = syslogMessage({ ...start('a'), time: 'now\n<0>1 then' }, origin, 2048);
    expect(message).toMatch(/^<190>1 now<0>1then [\x20-\x7e]*$/);
  });
});
