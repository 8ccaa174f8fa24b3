import { describe, expect, it } from 'vitest';
import type { HostilePeer, Script } from '../support/hostile-peer.ts';
import { begun, HANG_MS } from '../support/hostile-run.ts';
import { FakeSftp, leave, NOTHING, type Override, type SftpPlan, say } from '../support/hostile-sftp-engine.ts';
import {
  attackSftp,
  bothTransports,
  expectSftpEnd,
  expectSftpRefused,
  landedF,
  type SftpAttack,
  type SftpForm,
} from '../support/hostile-sftp-run.ts';
import * as wire from '../support/hostile-sftp-wire.ts';
import { Watch } from '../support/hostile-watch.ts';

/** A client that is asked to stop does so within this time, on a machine that is busy too. Milliseconds. */
const STOP_MS = 2_000;

interface Stage extends Pick<SftpAttack, 'flags' | 'operands' | 'local'> {
  readonly title: string;
  /** The request at which the server falls silent. */
  readonly at: wire.Kind;
  /** What it still sends. */
  readonly first?: (id: number) => Uint8Array;
  readonly plan?: SftpPlan;
  readonly changes?: readonly string[];
}

const upload: Pick<Stage, 'operands'> = { operands: ['neighbour', 'h:there'] };
const tree: Pick<Stage, 'flags' | 'operands' | 'plan' | 'changes'> = {
  flags: ['-rp'],
  operands: ['h:d', 'out/'],
  plan: { tree: { d: { x: 'X\n' } } },
  changes: ['+ work/out/d: directory 755', 't work/out'],
};

const stages: readonly Stage[] = [
  { title: 'before VERSION', at: 'INIT' },
  { title: 'inside VERSION', at: 'INIT', first: () => wire.version().subarray(0, 6) },
  { title: 'behind three letters in the place of VERSION', at: 'INIT', first: () => Buffer.from('Wel') },
  { title: 'before the status of the file', at: 'STAT' },
  { title: 'inside a length', at: 'STAT', first: () => Buffer.from('\0\0') },
  { title: 'inside the status of the file', at: 'STAT', first: (id) => wire.attrs(id, { size: 5 }).subarray(0, 15) },
  { title: 'before the handle', at: 'OPEN' },
  { title: 'before the data', at: 'READ', changes: begun },
  { title: 'inside the data', at: 'READ', first: (id) => wire.data(id, 'X\n').subarray(0, 14), changes: begun },
  { title: 'before a directory is open', at: 'OPENDIR', ...tree, changes: tree.changes ?? [] },
  { title: 'before a listing', at: 'READDIR', ...tree },
  { title: 'before a file of a directory is open', at: 'OPEN', ...tree },
  { title: 'before the data of a file of a directory', at: 'READ', ...tree },
  { title: 'before a listing for a pattern', at: 'READDIR', operands: ['h:d/*', 'out/'], plan: tree.plan ?? {} },
  {
    title: 'before the home of somebody',
    at: 'EXTENDED',
    operands: ['h:~bob/f', 'out/'],
    plan: { extensions: [['expand-path@openssh.com', '1']] },
  },
  { title: 'before the status of the target', at: 'STAT', ...upload },
  { title: 'before the handle of an upload', at: 'OPEN', ...upload },
  { title: 'before the answer to the data', at: 'WRITE', ...upload },
  // A small file that is new is cut only where it gets attributes too.
  { title: 'before the answer to the truncation', at: 'FSETSTAT', ...upload, flags: ['-p'] },
  { title: 'before the answer to the end of an upload', at: 'CLOSE', ...upload },
  { title: 'before a directory is made', at: 'MKDIR', flags: ['-r'], operands: ['out', 'h:new'] },
];

/** Falls silent at the request, and calls `act` then. */
function silentAt({ at, first, plan }: Stage, act: (peer: HostilePeer) => void): Script {
  let silent = false;
  const answer: Override = async ({ id }, fake) => {
    if (silent) return NOTHING;
    silent = true;
    if (first !== undefined) await fake.peer.send(first(id));
    act(fake.peer);
    return NOTHING;
  };
  return async (peer) => {
    await new FakeSftp(peer, { ...plan, answers: { ...plan?.answers, [at]: answer } }).run();
  };
}

/** The content is asked for before there is a place for it: the end may come before that or after. */
function expectAtMost(changes: readonly string[], known: readonly string[]): void {
  expect(changes.filter((line) => !known.includes(line))).toEqual([]);
}

const pick = ({ flags, operands, local }: Stage) => ({
  ...(flags && { flags }),
  ...(operands && { operands }),
  ...(local && { local }),
});

/** The transport has a part in few of them. */
const forForm = (form: SftpForm) => stages.filter((_, i) => form === 'direct' || i % 3 === 0);

describe.each(bothTransports)(
  'Ctrl-C, while a server (%s) is silent',
  { concurrent: true, timeout: 60_000 },
  (form) => {
    it.each(forForm(form))('$title, ends the copy with status 1 and without leftovers', async (stage) => {
      const watch = new Watch();
      const result = await attackSftp({
        form,
        script: silentAt(stage, () => watch.signal('SIGINT')),
        watch,
        ...pick(stage),
      });
      expectSftpEnd(result);
      expect(result.status).toBe(1);
      expectAtMost(result.changes, stage.changes ?? []);
      expect(result.sinceSignalMs).toBeLessThan(STOP_MS);
    });

    it.each(['SIGTERM', 'SIGHUP'] as const)('(or %s) does the same', async (name) => {
      const watch = new Watch();
      const stage = stages[7] as Stage;
      const result = await attackSftp({ form, script: silentAt(stage, () => watch.signal(name)), watch });
      expectSftpEnd(result);
      expect(result.status).toBe(1);
      expectAtMost(result.changes, begun);
      expect(result.sinceSignalMs).toBeLessThan(STOP_MS);
    });

    it('and ignores signals, ends the copy all the same', async () => {
      const watch = new Watch();
      const stage = stages[7] as Stage;
      const script = silentAt(stage, (peer) => {
        peer.ignoreSignals();
        watch.signal('SIGINT');
      });
      const result = await attackSftp({ form, script, watch });
      expectSftpEnd(result);
      expect(result.status).toBe(1);
      expectAtMost(result.changes, begun);
      expect(result.sinceSignalMs).toBeLessThan(STOP_MS);
    });

    it('does so too where it goes on sending', async () => {
      const watch = new Watch();
      const READ: Override = async ({ id }, fake) => {
        watch.signal('SIGINT');
        await fake.peer.send(Buffer.concat([wire.u32(200_000), Buffer.of(103), wire.u32(id)]));
        for (;;) await fake.peer.send(Buffer.alloc(65_536));
      };
      const result = await attackSftp({
        form,
        watch,
        plan: { tree: { f: { content: '', size: 10_000_000 } }, answers: { READ } },
      });
      expectSftpEnd(result);
      expect([1, 255]).toContain(result.status);
      expectAtMost(result.changes, begun);
      expect(result.sinceSignalMs).toBeLessThan(STOP_MS);
    });
  },
);

/** Requests of a download at which the connection ends. */
const kinds = ['INIT', 'STAT', 'OPEN', 'READ', 'OPENDIR', 'READDIR'] as const;
const halves: readonly (readonly [string, Override])[] = [
  ['with status 0', leave()],
  ['with status 1', leave(1)],
  [
    'without a word',
    async (_, fake) => {
      fake.peer.vanish();
      await fake.peer.gone;
      return NOTHING;
    },
  ],
  [
    'in the middle of a packet',
    async ({ id }, fake) => {
      await fake.peer.send(wire.data(id, 'X\n').subarray(0, 14));
      return await leave()({ id } as never, fake);
    },
  ],
  [
    'by its output alone',
    async (_, fake) => {
      fake.peer.closeOutput();
      await fake.peer.gone;
      return NOTHING;
    },
  ],
];

describe.each(bothTransports)('a server (%s) that ends', { concurrent: true, timeout: 60_000 }, (form) => {
  it.each(halves)('%s, at whatever request of a download, fails it and leaves nothing half-written', async (_, end) => {
    for (const kind of kinds.filter((_, i) => form === 'direct' || i % 3 === 0)) {
      const inTree = kind.endsWith('DIR');
      const plan: SftpPlan = { tree: { f: 'X\n', d: { x: 'X\n' } }, answers: { [kind]: end } };
      const where = inTree ? { flags: ['-r'], operands: ['h:d', 'out/'] } : {};
      const result = await attackSftp({ form, plan, ...where });
      expectSftpEnd(result, kind);
      const left = result.changes.filter((line) => !/^(t work\/out|\+ work\/out\/d: directory 755)$/.test(line));
      expectSftpRefused({ ...result, changes: left }, /connection|does not offer SFTP|protocol error/, [], kind);
    }
  });
});

describe.each(bothTransports)('a server (%s) that was refused', { concurrent: true, timeout: 60_000 }, (form) => {
  const lie = say((id) => Buffer.concat([wire.handle(id, 'x'.repeat(1000))]));

  it('and then neither reads, sends nor ends does not keep the client', async () => {
    const READ: Override = async ({ id }, fake) => {
      fake.peer.ignoreSignals();
      await fake.peer.send(wire.handle(id, 'x'));
      await fake.peer.gone;
      return NOTHING;
    };
    const result = await attackSftp({ form, plan: { answers: { READ } } });
    expectSftpRefused(result, /protocol error/, result.changes.length === 0 ? [] : begun);
    expect(result.elapsedMs).toBeLessThan(HANG_MS);
  });

  it('and goes on sending does not keep the client', async () => {
    const OPEN: Override = async (request, fake) => {
      await fake.peer.send((await lie(request, fake)) as Uint8Array);
      for (;;) await fake.peer.send(Buffer.alloc(65_536));
    };
    const result = await attackSftp({ form, plan: { answers: { OPEN } } });
    expectSftpRefused(result, /protocol error/, []);
    expect(result.elapsedMs).toBeLessThan(HANG_MS);
  });

  it('at the first word does not keep the client', async () => {
    const script: Script = async (peer) => {
      peer.ignoreSignals();
      await peer.send(wire.version(0));
      await peer.gone;
    };
    const result = await attackSftp({ form, script });
    expectSftpRefused(result, /version 0/);
    expect(result.elapsedMs).toBeLessThan(HANG_MS);
  });
});

describe.each(bothTransports)(
  'a server (%s) from which all has been copied',
  { concurrent: true, timeout: 60_000 },
  (form) => {
    it('and that does not end holds the client up for a limited time only', async () => {
      const CLOSE: Override = async ({ id }, fake) => {
        fake.peer.ignoreSignals();
        await fake.peer.send(wire.status(id, 0));
        await fake.peer.gone;
        return NOTHING;
      };
      const result = await attackSftp({ form, plan: { answers: { CLOSE } }, timeoutMs: 30_000 });
      expectSftpEnd(result);
      expect(result).toMatchObject({ status: 0, changes: landedF });
    });

    it('and that does not answer the CLOSE of it holds the client up for a limited time only', async () => {
      const result = await attackSftp({ form, plan: { answers: { CLOSE: () => NOTHING } }, timeoutMs: 20_000 });
      expectSftpEnd(result);
      expect(result.changes).toEqual(landedF);
    });
  },
);
