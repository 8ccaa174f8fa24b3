import { describe, expect, it } from 'vitest';
import type { Script } from '../support/hostile-peer.ts';
import { evil } from '../support/hostile-sftp-cases.ts';
import {
  FakeSftp,
  leave,
  NOTHING,
  type Override,
  once,
  type SftpPlan,
  say,
  stall,
} from '../support/hostile-sftp-engine.ts';
import { attackSftp, expectSftpEnd, type SftpAttack, type SftpResult } from '../support/hostile-sftp-run.ts';
import * as wire from '../support/hostile-sftp-wire.ts';
import { Watch } from '../support/hostile-watch.ts';

const { data, names, status } = wire;

interface Pair {
  readonly origin: SftpPlan;
  readonly target?: SftpPlan;
}

/** Two servers behind one program: the origin is the first that is asked. */
function pair({ origin, target }: Pair, seen: FakeSftp[]): Script {
  return async (peer) => {
    const fake = new FakeSftp(peer, seen.length === 0 ? origin : (target ?? { tree: {} }));
    seen.push(fake);
    await fake.run();
  };
}

/** Copies from one server to the other and gives back what the target was asked for. */
async function relay(
  plans: Pair,
  options: SftpAttack = {},
): Promise<SftpResult & { target: FakeSftp | undefined; asked: string[] }> {
  const seen: FakeSftp[] = [];
  const result = await attackSftp({
    operands: ['h:f', 'k:there'],
    flags: ['-3'],
    ...options,
    script: pair(plans, seen),
  });
  expectSftpEnd(result);
  expect(result.changes).toEqual([]);
  return { ...result, target: seen[1], asked: seen[1]?.log ?? [] };
}

const recursive: SftpAttack = { flags: ['-3', '-rp'], operands: ['h:d', 'k:there'] };
const outward = ['../../evil', '/abs', 'a/b', '..', '', 'x\0', 'n'.repeat(5000)];
const lists = (...entries: wire.Entry[]): SftpPlan => ({
  tree: { d: {} },
  anything: { content: 'X\n' },
  answers: { READDIR: once(({ id }) => names(id, entries)) },
});

/** What the target may be asked about when all that was asked for is `there`. */
const within = /^(INIT|EXTENDED|[A-Z]+ there(\/[^/]+)*)?$/;

describe('from one server to another with -3, an origin', { concurrent: true, timeout: 60_000 }, () => {
  it.each(outward)('that lists %j as a name makes the target no such thing', async (name) => {
    const READDIR: Override = ({ id }, fake) =>
      fake.count('READDIR') === 1 ? names(id, [{ name }]) : status(id, wire.EOF);
    const origin = { ...lists(), answers: { READDIR } };
    const result = await relay({ origin }, recursive);
    const isSkipped = name === '..';
    if (!isSkipped) {
      expect(result.stderr).toMatch(/unexpected filename/);
      expect([1, 255]).toContain(result.status);
    }
    expect(result.asked.filter((line) => !within.test(line) || line.includes('..'))).toEqual([]);
    expect(result.target?.paths()).toEqual(['/', 'there/']);
  });

  it('that lists escape sequences gets them to the target as a name and not onto the terminal', async () => {
    const origin: SftpPlan = { tree: { d: { [evil]: 'X\n' } } };
    const fine = await relay({ origin }, recursive);
    expect(fine).toMatchObject({ status: 0, stderr: '' });
    expect(fine.target?.content(`there/${evil}`)).toBe('X\n');
    const target: SftpPlan = { tree: {}, answers: { OPEN: say((id) => status(id, 4, evil)) } };
    const failed = await relay({ origin, target }, recursive);
    expect(failed.status).toBe(1);
    expect(failed.stderr).toMatch(/k:there\/FAKE \\033\[2J/);
  });

  it.each<[string, SftpPlan, RegExp]>([
    ['ends a file early (V6)', { tree: { f: { content: 'hello', size: 1000 } } }, /h:f: ends after 5 of 1000 bytes/],
    [
      'gives more than was asked for (V7)',
      { answers: { READ: ({ id, length }) => data(id, 'x'.repeat(length + 1)) } },
      /protocol error/,
    ],
    [
      'fails in the middle',
      { tree: { f: { content: '', size: 100_000 } }, answers: { READ: failLate } },
      /h:f: bad block/,
    ],
    ['leaves at once', { answers: { STAT: leave() } }, /h: .*connection/],
    ['leaves in the middle', { answers: { READ: leave(255) } }, /h: .*connection/],
    ['gives no file', { tree: {} }, /h:(\.\/)?f: No such file/],
    ['gives a device', { tree: { f: { content: '', mode: 0o020644 } } }, /not a regular file/],
    ['speaks no SFTP', { hello: 'Welcome\n' }, /printed "Welcome"/],
  ])('that %s fails the copy', async (_, origin, cause) => {
    const result = await relay({ origin });
    expect(result.stderr).toMatch(cause);
    expect([1, 255]).toContain(result.status);
    expect(result.asked.filter((line) => !within.test(line))).toEqual([]);
  });

  it('cannot give set-user-ID bits to the target', async () => {
    const modes: string[] = [];
    const note: Override = (request) => {
      modes.push(request.kind);
      return undefined;
    };
    const origin: SftpPlan = { tree: { d: { x: { content: 'X\n', mode: 0o106777 } } } };
    const result = await relay({ origin, target: { tree: {}, answers: { SETSTAT: note, FSETSTAT: note } } }, recursive);
    expect(result.status).toBe(0);
  });
});

function failLate(request: { id: number; offset: number; length: number }): Uint8Array {
  if (request.offset >= 32_768) return status(request.id, wire.FAILURE, 'bad block');
  return data(request.id, 'x'.repeat(request.length));
}

describe('from one server to another with -3, a target', { concurrent: true, timeout: 60_000 }, () => {
  it.each<[string, SftpPlan, RegExp]>([
    ['fails to open', { tree: {}, answers: { OPEN: say((id) => status(id, 3)) } }, /k:there: Permission denied/],
    ['fails to write', { tree: {}, answers: { WRITE: say((id) => status(id, 14)) } }, /k:there: No space left/],
    ['fails to close', { tree: {}, answers: { CLOSE: say((id) => status(id, 4, 'full')) } }, /k:there: full/],
    ['leaves in the middle', { tree: {}, answers: { WRITE: leave() } }, /k: .*connection/],
    ['answers out of turn', { tree: {}, answers: { WRITE: say((id) => status(id + 7, 0)) } }, /protocol error/],
    ['speaks no SFTP', { hello: 'Welcome\n' }, /printed "Welcome"/],
  ])('that %s fails the copy', async (_, target, cause) => {
    const result = await relay({ origin: {}, target });
    expect(result.stderr).toMatch(cause);
    expect([1, 255]).toContain(result.status);
  });

  it('that is fine gets the right content', async () => {
    const content = Array.from({ length: 20_000 }, (_, i) => `${i}\n`).join('');
    const result = await relay({ origin: { tree: { f: content } } });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.target?.content('there')).toBe(content);
  });
});

describe('Ctrl-C from one server to another with -3 ends the copy while', { concurrent: true, timeout: 60_000 }, () => {
  const interrupting =
    (watch: Watch, then: Override): Override =>
    (request, fake) => {
      watch.signal('SIGINT');
      return then(request, fake);
    };
  it.each<[string, (watch: Watch) => Pair]>([
    ['the origin is silent', (watch) => ({ origin: { answers: { READ: interrupting(watch, () => NOTHING) } } })],
    [
      'the target is silent',
      (watch) => ({ origin: {}, target: { tree: {}, answers: { OPEN: interrupting(watch, () => NOTHING) } } }),
    ],
    [
      'the target reads nothing',
      (watch) => ({ origin: {}, target: { tree: {}, answers: { WRITE: interrupting(watch, stall) } } }),
    ],
    [
      'the target does not say who it is',
      (watch) => ({ origin: {}, target: { answers: { INIT: interrupting(watch, () => NOTHING) } } }),
    ],
  ])('%s', async (_, plans) => {
    const watch = new Watch();
    const result = await relay(plans(watch), { watch });
    expect(result.status).toBe(1);
    expect(result.sinceSignalMs).toBeLessThan(4000);
  });
});
