import { describe, expect, it } from 'vitest';
import { begun } from '../support/hostile-run.ts';
import { byOnes } from '../support/hostile-sftp-cases.ts';
import { type Answer, NOTHING, type Override, once, type SftpPlan, say } from '../support/hostile-sftp-engine.ts';
import {
  attackSftp,
  bothTransports,
  expectSftpCopied,
  expectSftpEnd,
  expectSftpRefused,
  landedF,
  type SftpAttack,
} from '../support/hostile-sftp-run.ts';
import * as wire from '../support/hostile-sftp-wire.ts';

const { attrs, data, frame, handle, names, packet, status, u32, version } = wire;

/** Packets by their title, for a request. */
const packets: Readonly<Record<string, (id: number) => Uint8Array>> = {
  HANDLE: (id) => handle(id, 'x'),
  DATA: (id) => data(id, 'X\n'),
  NAME: (id) => names(id, [{ name: 'x' }]),
  ATTRS: (id) => attrs(id, { size: 2, mode: wire.FILE_MODE }),
  EXTENDED_REPLY: (id) => packet('EXTENDED_REPLY', id, 'x'.repeat(32)),
  'success without content': (id) => status(id, wire.OK),
  'a request of its own': (id) => packet('STAT', id, wire.str('f')),
  VERSION: () => version(),
  'type 0': (id) => frame(0, u32(id)),
  'type 255': (id) => frame(255, u32(id)),
};

interface Exchange extends Pick<SftpAttack, 'flags' | 'operands'> {
  readonly kind: wire.Kind;
  /** Answers that are no answers to it, besides those of no known type. */
  readonly wrong: readonly string[];
  readonly plan?: SftpPlan;
  /** What may have begun. */
  readonly harmless?: RegExp;
}

const tree: Pick<Exchange, 'flags' | 'operands' | 'plan'> = {
  flags: ['-r'],
  operands: ['h:d', 'out/'],
  plan: { tree: { d: { x: 'X\n' } } },
};
const upload: Pick<Exchange, 'operands'> = { operands: ['neighbour', 'h:there'] };
const noContent = 'success without content';

const exchanges: readonly Exchange[] = [
  { kind: 'STAT', wrong: ['HANDLE', 'DATA', 'NAME', 'EXTENDED_REPLY', noContent] },
  { kind: 'OPEN', wrong: ['DATA', 'NAME', 'ATTRS', noContent, 'VERSION'] },
  { kind: 'READ', wrong: ['HANDLE', 'NAME', 'ATTRS', 'EXTENDED_REPLY', 'a request of its own'] },
  { kind: 'OPENDIR', ...tree, wrong: ['DATA', 'NAME', 'ATTRS', noContent], harmless: / work\/out(\/d)?(:|$)/ },
  { kind: 'READDIR', ...tree, wrong: ['HANDLE', 'DATA', 'ATTRS', noContent], harmless: / work\/out(\/d)?(:|$)/ },
  { kind: 'OPEN', ...upload, wrong: ['DATA', 'NAME', 'ATTRS', noContent, 'type 0'] },
  { kind: 'WRITE', ...upload, wrong: ['HANDLE', 'DATA', 'NAME', 'ATTRS', 'type 255'] },
  { kind: 'CLOSE', ...upload, wrong: ['HANDLE', 'DATA', 'NAME', 'ATTRS'] },
  { kind: 'MKDIR', flags: ['-r'], operands: ['out', 'h:new'], wrong: ['HANDLE', 'NAME', 'ATTRS', 'EXTENDED_REPLY'] },
  {
    kind: 'EXTENDED',
    operands: ['h:~bob/f', 'out/'],
    plan: { extensions: [['expand-path@openssh.com', '1']] },
    wrong: ['HANDLE', 'DATA', 'ATTRS', 'EXTENDED_REPLY', noContent],
  },
];

const rows = exchanges.flatMap((exchange) => exchange.wrong.map((title) => ({ ...exchange, title })));

/** Every third, or all: the transport has no part in this. */
const forForm = <T>(all: readonly T[], form: string): T[] => all.filter((_, i) => form === 'direct' || i % 5 === 0);

describe.each(bothTransports)('a server (%s) that answers', { concurrent: true, timeout: 60_000 }, (form) => {
  it.each(forForm(rows, form))('$kind ($operands) with $title is refused', async (row) => {
    const { kind, title, plan, harmless, ...rest } = row;
    const answers = { [kind]: once(({ id }) => packets[title]?.(id)) };
    const result = await attackSftp({ form, ...rest, plan: { ...plan, answers } });
    expectSftpEnd(result, title);
    const left = result.changes.filter((line) => line !== 't work/out' && harmless?.test(line) !== true);
    expectSftpRefused({ ...result, changes: left }, /protocol error: /);
  });
});

interface IdCase {
  readonly title: string;
  readonly kind: wire.Kind;
  readonly answer: Override;
}

const twice: Override = (request, fake) => [fake.honest(request), fake.honest(request)];
/** Gives its answer, and that to the next request as well. */
const ahead: Override = (request, fake) => [fake.honest(request), status(request.id + 1, wire.OK)];

const ids: readonly IdCase[] = [
  { title: 'STAT twice', kind: 'STAT', answer: twice },
  { title: 'OPEN twice', kind: 'OPEN', answer: twice },
  { title: 'STAT under another id', kind: 'STAT', answer: ({ id }) => attrs(id + 1, { size: 2 }) },
  { title: 'STAT under an id of 2^32 - 1', kind: 'STAT', answer: () => attrs(0xffff_ffff, { size: 2 }) },
  { title: 'OPEN under the id of an earlier request', kind: 'OPEN', answer: ({ id }) => handle(id - 1, 'x') },
  { title: 'a request that has not been made', kind: 'STAT', answer: ahead },
  { title: 'OPEN under no id', kind: 'OPEN', answer: () => frame(wire.types.HANDLE) },
  { title: 'OPEN under half an id', kind: 'OPEN', answer: () => frame(wire.types.STATUS, '\0\0') },
  { title: 'STAT with a packet of 0 bytes', kind: 'STAT', answer: () => u32(0) },
  { title: 'STAT with a packet of 2^32 - 1 bytes', kind: 'STAT', answer: () => u32(0xffff_ffff) },
  {
    title: 'STAT with a packet of 264,000 bytes',
    kind: 'STAT',
    answer: () => Buffer.concat([u32(264_000), Buffer.alloc(264_000)]),
  },
  {
    title: 'STAT with attributes that are cut short',
    kind: 'STAT',
    answer: ({ id }) => packet('ATTRS', id, u32(0xf), '\0'),
  },
  { title: 'STAT with no attributes', kind: 'STAT', answer: ({ id }) => packet('ATTRS', id) },
  {
    title: 'STAT with 2^32 - 1 extended attributes',
    kind: 'STAT',
    answer: ({ id }) => packet('ATTRS', id, u32(0x8000_0000), u32(0xffff_ffff), wire.str('a@b'), wire.str('')),
  },
  {
    title: 'STAT with 30,000 extended attributes and one that is missing',
    kind: 'STAT',
    answer: ({ id }) => packet('ATTRS', id, u32(0x8000_0000), u32(30_001), Buffer.alloc(240_000)),
  },
  { title: 'STAT with text', kind: 'STAT', answer: () => Buffer.from('connection reset by peer\n') },
];

describe('a server that answers', { concurrent: true, timeout: 60_000 }, () => {
  it.each(ids)('$title is refused', async ({ kind, answer }) => {
    const result = await attackSftp({ plan: { answers: { [kind]: once(answer) } } });
    expectSftpEnd(result);
    const { changes } = result;
    expect([[], begun]).toContainEqual(changes);
    expectSftpRefused(result, /protocol error: /, changes);
  });

  it.each(['READ', 'CLOSE'])('%s twice, after all of the content was there, does no harm', async (kind) => {
    const result = await attackSftp({ plan: { answers: { [kind]: twice } } });
    expectSftpEnd(result);
    expect([landedF, begun]).toContainEqual(result.changes);
    expect(result.status === 0).toBe(result.stderr === '');
  });

  it('a READ after CLOSE once more does no harm', async () => {
    let reads: number[] = [];
    const READ: Override = ({ id }) => {
      reads = [...reads, id];
      return undefined;
    };
    const CLOSE: Override = ({ id }) => [status(id, wire.OK), ...reads.map((read) => data(read, 'evil'))];
    const result = await attackSftp({ plan: { answers: { READ, CLOSE } } });
    expectSftpEnd(result);
    expect(result.changes).toEqual(landedF);
  });

  it('an upload twice is refused, or taken once', async () => {
    for (const kind of ['STAT', 'OPEN', 'WRITE', 'FSETSTAT', 'CLOSE']) {
      const result = await attackSftp({ ...upload, plan: { answers: { [kind]: twice } } });
      expectSftpEnd(result, kind);
      if (result.status !== 0) expectSftpRefused(result, /protocol error: /, [], kind);
    }
  });

  it('all of an upload at once, before it was asked, is refused', async () => {
    const STAT: Override = ({ id }) => Array.from({ length: 20 }, (_, i) => status(id + i, wire.OK));
    expectSftpRefused(await attackSftp({ ...upload, plan: { answers: { STAT } } }), /protocol error: |h:there/);
  });
});

const handleOf =
  (size: number): Override =>
  ({ id, path }, fake): Answer => {
    const bytes = 'h'.repeat(size);
    fake.register(bytes, path);
    return handle(id, bytes);
  };

describe('a server that gives a handle', { concurrent: true, timeout: 60_000 }, () => {
  it.each([1, 255, 256])('of %i bytes is copied from and to', async (size) => {
    expectSftpCopied(await attackSftp({ plan: { answers: { OPEN: handleOf(size) } } }), landedF);
    const result = await attackSftp({ ...upload, plan: { tree: { there: 'old' }, answers: { OPEN: handleOf(size) } } });
    expectSftpCopied(result, []);
  });

  it('of no bytes is copied from, or refused', async () => {
    const result = await attackSftp({ plan: { answers: { OPEN: handleOf(0) } } });
    expectSftpEnd(result);
    if (result.status === 0) expect(result.changes).toEqual(landedF);
    else expectSftpRefused(result, /protocol error: |h:f/);
  });

  it.each([257, 10_000, 250_000])('of %i bytes is refused', async (size) => {
    expectSftpRefused(await attackSftp({ plan: { answers: { OPEN: handleOf(size) } } }), /protocol error: /);
    expectSftpRefused(await attackSftp({ ...upload, plan: { answers: { OPEN: handleOf(size) } } }), /protocol error: /);
    expectSftpRefused(
      await attackSftp({ ...tree, plan: { ...tree.plan, answers: { OPENDIR: handleOf(size) } } }),
      /protocol error: /,
      ['+ work/out/d: directory 755', 't work/out'],
    );
  });

  it('that it knows nothing of later fails the copy', async () => {
    const plan: SftpPlan = {
      answers: { OPEN: say((id) => handle(id, 'x')), READ: say((id) => status(id, wire.FAILURE, 'no such handle')) },
    };
    expectSftpRefused(await attackSftp({ plan }), /h:f: (no such handle|not a regular file)/);
  });

  it('twice for two files is refused', async () => {
    // Nothing is read, so that the first file is open still when the second one is opened.
    const answers = { OPEN: handleOf(4), READ: async () => NOTHING };
    const plan: SftpPlan = { tree: { a: 'A\n', b: 'BB\n' }, answers };
    const result = await attackSftp({ plan, operands: ['h:a', 'h:b', 'out/'] });
    expectSftpEnd(result);
    expect(result.stderr).toMatch(/gives a handle that is open already/);
    expect(result.status).toBe(255);
    expect(result.changes.filter((line) => line.includes('work/out/'))).toEqual([]);
  });
});

describe.each(bothTransports)(
  'a server (%s) that sends every byte by itself',
  { concurrent: true, timeout: 60_000 },
  (form) => {
    it('is understood, down and up', async () => {
      const plan: SftpPlan = { tree: { d: { x: 'X\n', y: 'Y\n' } } };
      const down = await attackSftp({
        form,
        script: byOnes(plan),
        flags: ['-rp'],
        operands: ['h:d', 'out/'],
        timeoutMs: 20_000,
      });
      expectSftpEnd(down);
      expect(down).toMatchObject({ status: 0, stderr: '' });
      expect(down.changes).toHaveLength(4);
      expectSftpCopied(await attackSftp({ form, script: byOnes({}), ...upload, timeoutMs: 20_000 }), []);
    });

    it('and never ends a packet is stopped by its end', async () => {
      const plan: SftpPlan = {
        answers: {
          STAT: async (_, fake) => {
            await fake.peer.send(u32(100));
            fake.peer.exit(0);
            await fake.peer.gone;
            return NOTHING;
          },
        },
      };
      expectSftpRefused(await attackSftp({ form, plan }), /connection|protocol error/);
    });
  },
);
