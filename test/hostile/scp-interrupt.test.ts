import { describe, expect, it } from 'vitest';
import { forms, type HostilePeer, type Script } from '../support/hostile-peer.ts';
import { type Attack, attack, begun, expectCleanEnd, HANG_MS } from '../support/hostile-run.ts';
import { Watch } from '../support/hostile-watch.ts';
import { shareOf } from '../support/large.ts';

/** How soon a client ends after Ctrl-C. Milliseconds; under load too. */
const STOP_MS = 4_000;

interface Stage extends Pick<Attack, 'flags' | 'operands' | 'plan'> {
  readonly title: string;
  /** Brings the client to where it waits. */
  readonly reach: (peer: HostilePeer) => Promise<unknown>;
  readonly changes?: readonly string[];
}

const upload: Pick<Attack, 'operands'> = { operands: ['neighbour', 'h:there'] };

/** Places in a copy where a silent server holds the client up for ever; the person has to end it. */
const stages: readonly Stage[] = [
  { title: 'before anything was sent', reach: (peer) => peer.read(1) },
  { title: 'inside a record', reach: (peer) => peer.send('C0644 2').then(() => peer.read(1)) },
  {
    title: 'inside the data of a file that exists',
    reach: (peer) => peer.send('C0644 1000 f\nhello').then(() => peer.read(2)),
    changes: begun,
  },
  {
    title: 'inside the data of a new file',
    operands: ['h:g', 'out/'],
    reach: (peer) => peer.send('C0644 1000 g\nhello').then(() => peer.read(2)),
    changes: begun,
  },
  {
    title: 'before the verdict on the data',
    reach: (peer) => peer.send('C0644 2 f\nX\n').then(() => peer.read(2)),
    changes: begun,
  },
  {
    title: 'inside a directory',
    flags: ['-rp'],
    operands: ['h:d', 'out/'],
    reach: (peer) => peer.send('D0755 0 d\nC0644 9 f\nX').then(() => peer.read(3)),
    changes: ['+ work/out/d: directory 755', 't work/out'],
  },
  {
    title: 'between the files of a pattern',
    operands: ['h:*', 'out/'],
    reach: (peer) => peer.send('C0644 2 f\nX\n\0').then(() => peer.read(3)),
    changes: ['! work/out/f: file 640 "X\\n"', 't work/out'],
  },
  { title: 'before the first reply to an upload', ...upload, reach: (peer) => peer.send('') },
  {
    title: 'before the reply to the record of an upload',
    ...upload,
    reach: (peer) => peer.send('\0').then(() => peer.readLine()),
  },
  {
    title: 'before the reply to the data of an upload',
    ...upload,
    reach: (peer) =>
      peer
        .send('\0\0')
        .then(() => peer.readLine())
        .then(() => peer.read(11)),
  },
];

function waitAt(stage: Stage, act: (peer: HostilePeer) => Promise<void> | void): Script {
  return async (peer) => {
    await stage.reach(peer);
    await act(peer);
    await peer.gone;
  };
}

const pick = ({ flags, operands, plan }: Stage) => ({
  ...(flags && { flags }),
  ...(operands && { operands }),
  ...(plan && { plan }),
});

describe.each(forms)('Ctrl-C, while a server (%s) is silent', { concurrent: true, timeout: 60_000 }, (form) => {
  it.each(shareOf(form, forms, stages))(
    '$title, ends the copy with status 1, without leftovers and with the old content in place',
    async (stage) => {
      const watch = new Watch();
      const script = waitAt(stage, () => watch.signal('SIGINT'));
      const result = await attack({ form, script, onStart: watch.onStart, ...pick(stage) });
      watch.stop();
      expectCleanEnd(result);
      expect(result).toMatchObject({ status: 1, changes: stage.changes ?? [] });
      expect(watch.sinceSignalMs()).toBeLessThan(STOP_MS);
    },
  );

  it.each(['SIGTERM', 'SIGHUP'] as const)('(or %s) does the same', async (name) => {
    const watch = new Watch();
    const stage = stages[2] as Stage;
    const result = await attack({
      form,
      script: waitAt(stage, () => watch.signal(name)),
      onStart: watch.onStart,
      ...pick(stage),
    });
    watch.stop();
    expectCleanEnd(result);
    expect(result).toMatchObject({ status: 1, changes: begun });
    expect(watch.sinceSignalMs()).toBeLessThan(STOP_MS);
  });

  it('twice ends it at once, with status 1 and the old content in place', async () => {
    const watch = new Watch();
    const stage = stages[2] as Stage;
    const script = waitAt(stage, (peer) => {
      peer.ignoreSignals();
      watch.signal('SIGINT');
      watch.signal('SIGINT');
    });
    const result = await attack({ form, script, onStart: watch.onStart, ...pick(stage) });
    watch.stop();
    expect(result.status).toBe(1);
    expect(watch.sinceSignalMs()).toBeLessThan(STOP_MS);
    expect(result.changes.filter((line) => !line.includes('.sealift-part'))).toEqual(begun);
  });

  it('ends it although the server goes on sending and ignores signals', async () => {
    const watch = new Watch();
    const result = await attack({
      form,
      onStart: watch.onStart,
      script: async (peer) => {
        peer.ignoreSignals();
        await peer.send('C0644 9007199254740991 f\n');
        const block = Buffer.alloc(65_536);
        for (let i = 0; ; i++) {
          await peer.send(block);
          if (i === 100) watch.signal('SIGINT');
        }
      },
    });
    watch.stop();
    expectCleanEnd(result);
    expect(result).toMatchObject({ status: 1, changes: begun });
    expect(watch.sinceSignalMs()).toBeLessThan(STOP_MS);
  });
});

describe.each(forms)(
  'a server (%s) that has sent all that was asked for',
  { concurrent: true, timeout: 60_000 },
  (form) => {
    it.each([
      ['a file', 'C0644 2 f\nX\n\0', [], ['! work/out/f: file 640 "X\\n"', 't work/out']],
      ['a directory', 'D0755 0 f.d\nE\n', ['-r'], ['+ work/out/f.d: directory 755', 't work/out']],
    ] as const)(
      'and does not end (%s) holds the client up for a limited time only',
      async (_, sent, flags, changes) => {
        const operands = [flags.length > 0 ? 'h:f.d' : 'h:f', 'out/'];
        const script: Script = async (peer) => {
          peer.ignoreSignals();
          await peer.send(sent);
          await peer.gone;
        };
        const result = await attack({ form, flags, operands, script, timeoutMs: 30_000 });
        expectCleanEnd(result);
        expect(result).toMatchObject({ status: 0, changes });
      },
    );

    it('and does not end after an upload holds the client up for a limited time only', async () => {
      const script: Script = async (peer) => {
        peer.ignoreSignals();
        await peer.send('\0\0\0');
        await peer.gone;
      };
      const result = await attack({ form, ...upload, script, timeoutMs: 30_000 });
      expectCleanEnd(result);
      expect(result).toMatchObject({ status: 0, changes: [] });
    });
  },
);

describe.each(forms)('a refused server (%s)', { concurrent: true, timeout: 60_000 }, (form) => {
  it('that ignores signals and goes on sending does not keep the client', async () => {
    const result = await attack({
      form,
      script: async (peer) => {
        peer.ignoreSignals();
        await peer.send('C0644 2 ../f\n');
        for (;;) await peer.send(Buffer.alloc(65_536));
      },
    });
    expectCleanEnd(result);
    expect(result).toMatchObject({ status: 1, changes: [] });
    expect(result.elapsedMs).toBeLessThan(HANG_MS);
  });

  it('that says nothing more does not keep the client', async () => {
    const result = await attack({
      form,
      script: async (peer) => {
        peer.ignoreSignals();
        await peer.send('C0644 2 ../f\n');
        await peer.gone;
      },
    });
    expectCleanEnd(result);
    expect(result).toMatchObject({ status: 1, changes: [] });
  });
});
