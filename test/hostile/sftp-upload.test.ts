import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../support/hostile-sandbox.ts';
import { leave, NOTHING, type Override, type SftpPlan, say } from '../support/hostile-sftp-engine.ts';
import {
  attackSftp,
  bothTransports,
  expectSftpCopied,
  expectSftpEnd,
  expectSftpRefused,
  type SftpAttack,
} from '../support/hostile-sftp-run.ts';
import * as wire from '../support/hostile-sftp-wire.ts';
import { Watch } from '../support/hostile-watch.ts';

const { attrs, data, handle, status } = wire;

const big = Array.from({ length: 30_000 }, (_, i) => `${i}\n`.padStart(12, '.')).join('');

async function bigFile(sandbox: Sandbox): Promise<void> {
  await writeFile(join(sandbox.work, 'big'), big);
  await sandbox.settle();
}

async function sparseFile(sandbox: Sandbox, bytes: number): Promise<void> {
  await writeFile(join(sandbox.work, 'big'), '');
  await truncate(join(sandbox.work, 'big'), bytes);
  await sandbox.settle();
}

/** 360,000 bytes in WRITEs of 32 KiB. */
const ofBig: Pick<SftpAttack, 'operands' | 'prepare'> = { operands: ['big', 'h:there'], prepare: bigFile };
const ofTree: Pick<SftpAttack, 'operands' | 'flags' | 'local'> = {
  flags: ['-rp'],
  operands: ['tree', 'h:there'],
  local: { 'work/tree/a': 'a\n', 'work/tree/sub/b': 'b\n' },
};

const nth =
  (n: number, override: Override): Override =>
  (request, fake) =>
    fake.count(request.kind) === n ? override(request, fake) : undefined;

const fails = (code: number = wire.FAILURE, message = ''): Override => say((id) => status(id, code, message));

interface UploadCase extends Pick<SftpAttack, 'operands' | 'prepare' | 'flags' | 'local'> {
  readonly title: string;
  readonly plan: SftpPlan;
  readonly cause: RegExp;
}

const of = (kind: wire.Kind, override: Override): SftpPlan => ({ answers: { [kind]: override } });

/** Whatever fails on the way, the upload has failed: WRITE failures that were forgotten are a CVE of others. */
const failures: readonly UploadCase[] = [
  { title: 'the first WRITE', ...ofBig, plan: of('WRITE', nth(1, fails())), cause: /h:there: Failure/ },
  {
    title: 'the third WRITE only',
    ...ofBig,
    plan: of('WRITE', nth(3, fails(4, 'disk quota'))),
    cause: /h:there: disk quota/,
  },
  { title: 'the last WRITE only', ...ofBig, plan: of('WRITE', nth(11, fails())), cause: /h:there: Failure/ },
  { title: 'every WRITE', ...ofBig, plan: of('WRITE', fails(14)), cause: /h:there: No space left on device/ },
  { title: 'WRITE by the end of the file', ...ofBig, plan: of('WRITE', nth(2, fails(1))), cause: /h:there: / },
  {
    title: 'CLOSE, for want of room',
    ...ofBig,
    plan: of('CLOSE', fails(4, 'No space left on device')),
    cause: /h:there: No space left/,
  },
  { title: 'CLOSE, by the end of the file', ...ofBig, plan: of('CLOSE', fails(1)), cause: /h:there: / },
  { title: 'OPEN', ...ofBig, plan: of('OPEN', fails(3)), cause: /h:there: Permission denied/ },
  { title: 'STAT of the target, by something odd', ...ofBig, plan: of('STAT', fails(4, 'odd')), cause: /h:there: odd/ },
  { title: 'MKDIR', ...ofTree, plan: of('MKDIR', fails(3)), cause: /h:there: Permission denied/ },
  { title: 'MKDIR below', ...ofTree, plan: of('MKDIR', nth(2, fails(3))), cause: /h:there\/sub: Permission denied/ },
  {
    title: 'OPEN of one file in a tree',
    ...ofTree,
    // However it is asked for: a name that cannot be made is opened as one that may be there.
    plan: of('OPEN', (request, fake) => (request.path.endsWith('/a') ? fails(3)(request, fake) : undefined)),
    cause: /h:there\/.*: Permission denied/,
  },
  {
    title: 'WRITE of one file in a tree',
    ...ofTree,
    plan: of('WRITE', nth(2, fails(14))),
    cause: /h:there\/.*: No space left/,
  },
  {
    title: 'CLOSE of one file in a tree',
    ...ofTree,
    plan: of('CLOSE', nth(1, fails(14))),
    cause: /h:there\/.*: No space left/,
  },
  {
    title: 'everything',
    ...ofTree,
    plan: {
      answers: Object.fromEntries(
        Object.keys(wire.types).map((kind) => [kind, kind === 'INIT' ? () => undefined : fails(3)]),
      ),
    },
    cause: /h:there: Permission denied/,
  },
];

const ends: readonly UploadCase[] = (['STAT', 'OPEN', 'WRITE', 'FSETSTAT', 'CLOSE'] as const).flatMap((kind) => [
  { title: `at ${kind}, with status 0`, ...ofBig, plan: of(kind, leave()), cause: /h: .*connection/ },
  { title: `at ${kind}, with status 255`, ...ofBig, plan: of(kind, leave(255)), cause: /h: .*connection/ },
]);

const vanishing: Override = async (_, fake) => {
  fake.peer.vanish();
  await fake.peer.gone;
  return NOTHING;
};

describe.each(bothTransports)('an upload to a server (%s)', { concurrent: true, timeout: 60_000 }, (form) => {
  // What an answer says is no matter of the transport.
  it.each(failures.filter((_, i) => form === 'direct' || i % 4 === 1))(
    'that fails $title fails, and says so',
    async ({ title, cause, ...rest }) => {
      expectSftpRefused(await attackSftp({ form, ...rest }), cause, [], title);
    },
  );

  it.each(ends.filter((_, i) => form === 'direct' || i % 3 === 1))(
    'that ends $title fails, and says so',
    async ({ title, cause, ...rest }) => {
      expectSftpRefused(await attackSftp({ form, ...rest }), cause, [], title);
    },
  );

  it('that vanishes in the middle of the data fails, and says so', async () => {
    const result = await attackSftp({ form, ...ofBig, plan: of('WRITE', nth(4, vanishing)) });
    expectSftpRefused(result, /connection|reset/i);
  });

  it('that closes its input in the middle of the data fails, and does not crash', async () => {
    const closing: Override = async (_, fake) => {
      if (form === 'direct') fake.peer.closeInput();
      else fake.peer.closeOutput();
      await fake.peer.gone;
      return NOTHING;
    };
    const huge = { ...ofBig, prepare: (sandbox: Sandbox) => sparseFile(sandbox, 64 * 1024 ** 2) };
    expectSftpRefused(await attackSftp({ form, ...huge, plan: of('WRITE', nth(2, closing)) }), /connection/);
  });

  it('that answers the WRITEs in reverse order is complete', async () => {
    const held: Uint8Array[] = [];
    let timer: NodeJS.Timeout | undefined;
    const WRITE: Override = (request, fake) => {
      held.push(fake.honest(request));
      clearTimeout(timer);
      timer = setTimeout(() => void fake.peer.send(Buffer.concat(held.splice(0).reverse())).catch(() => {}), 60);
      return NOTHING;
    };
    const result = await attackSftp({ form, ...ofBig, plan: { answers: { WRITE } } });
    expectSftpCopied(result, []);
    expect(result.servers[0]?.content('there')).toBe(big);
  });
});

/** What a server can say of the target. */
const targets: readonly (readonly [string, Override])[] = [
  ['a device', say((id) => attrs(id, { mode: 0o020666 }))],
  ['a link', say((id) => attrs(id, { mode: wire.LINK_MODE }))],
  ['of no known type', say((id) => attrs(id, { mode: 0o170644 }))],
  ['without any attribute', say((id) => attrs(id, {}))],
  ['of 2^63 - 1 bytes', say((id) => attrs(id, { mode: wire.FILE_MODE, size: 2n ** 63n - 1n }))],
];

describe('an upload to a server', { concurrent: true, timeout: 60_000 }, () => {
  it.each(targets)('that says the target is %s is done to that very path or refused', async (_, STAT) => {
    const result = await attackSftp({ operands: ['neighbour', 'h:there'], plan: { answers: { STAT } } });
    expectSftpEnd(result);
    const asked = result.servers.flatMap(({ log }) => log.map((line) => line.replace(/^\w+ /, '')));
    expect(asked.every((path) => /^(there|)$/.test(path))).toBe(true);
    if (result.status !== 0) expect(result.stderr).toMatch(/h:there|protocol error/);
  });

  it('that calls everything a directory goes no deeper than the name itself', async () => {
    const STAT = say((id) => attrs(id, { mode: wire.DIRECTORY_MODE }));
    const result = await attackSftp({ operands: ['neighbour', 'h:there'], plan: { answers: { STAT } } });
    expectSftpEnd(result);
    expect(result.servers[0]?.log.filter((line) => !/ (there|there\/neighbour)$/.test(line))).toEqual([]);
  });

  it('sends nothing but what was named, and under its own name', async () => {
    const result = await attackSftp({ ...ofTree, plan: { tree: {} } });
    expectSftpCopied(result, []);
    expect(result.servers[0]?.paths()).toEqual(['/', 'there/', 'there/a', 'there/sub/', 'there/sub/b']);
  });

  it('that fails to set times and modes has the content all the same, and is told of', async () => {
    const plan: SftpPlan = { answers: { FSETSTAT: fails(3), SETSTAT: fails(3) } };
    const result = await attackSftp({ ...ofTree, plan });
    expectSftpEnd(result);
    expect(result.stderr).toMatch(/h:there.*Permission denied/);
    expect(result.servers[0]?.content('there/sub/b')).toBe('b\n');
  });

  it('that reads nothing takes little memory, and Ctrl-C ends it', async () => {
    const watch = new Watch();
    const stalling: Override = async (_, fake) => {
      await watch.idle();
      watch.signal('SIGINT');
      await fake.peer.gone;
      return NOTHING;
    };
    const prepare = (sandbox: Sandbox) => sparseFile(sandbox, 1024 ** 3);
    const result = await attackSftp({
      operands: ['big', 'h:there'],
      prepare,
      watch,
      plan: of('WRITE', stalling),
      timeoutMs: 25_000,
    });
    expectSftpEnd(result);
    expect(result).toMatchObject({ status: 1, changes: [] });
    expect(result.sinceSignalMs).toBeLessThan(4000);
  });

  it('that answers WRITE with data, handles or nothing but its own requests is refused', async () => {
    for (const answer of [
      say((id) => data(id, 'x')),
      say((id) => handle(id, 'x')),
      say((id) => wire.packet('READ', id, 'x')),
    ])
      expectSftpRefused(await attackSftp({ ...ofBig, plan: of('WRITE', answer) }), /protocol error: /);
  });
});
