import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Form, forms, type HostilePeer, type Script } from '../support/hostile-peer.ts';
import { type Attack, attack, expectCleanEnd, expectRefused } from '../support/hostile-run.ts';
import { shareOf } from '../support/large.ts';

/** The replies that the upload of one directory with one file waits for, with -p, in order. */
const stages = [
  'the start',
  'times',
  'a directory',
  'the times of a file',
  'a file',
  'data',
  'the end of a directory',
] as const;

/** True where the sink goes on with what it does. */
type Act = (peer: HostilePeer) => Promise<boolean>;

/** A sink that answers as it should, but for one reply. */
function sinkThatFailsAt(stage: number, act: Act): Script {
  return async (peer) => {
    let replies = 0;
    const reply = async (): Promise<boolean> => {
      if (replies++ === stage) return await act(peer);
      await peer.send('\0');
      return true;
    };
    if (!(await reply())) return;
    for (;;) {
      const record = await peer.readLine();
      if (record.startsWith('\x01')) continue;
      const failed = replies === stage;
      if (!(await reply())) return;
      if (!record.startsWith('C') || failed) continue;
      await peer.read(Number(record.split(' ')[1]) + 1);
      if (!(await reply())) return;
    }
  };
}

const upload: Pick<Attack, 'flags' | 'operands' | 'plan'> = {
  flags: ['-rp'],
  operands: ['tree', 'h:there'],
  plan: { 'work/tree/file': 'content\n' },
};

const say =
  (bytes: string): Act =>
  async (peer) => {
    await peer.send(bytes);
    return true;
  };

interface Answer {
  readonly title: string;
  readonly act: Act;
  readonly cause: RegExp;
  /** Tried at every stage; the others at the start, after a file record and after the data. */
  readonly everywhere?: boolean;
}

/** The transport has no part in the stages: the second one gets every other of them. */
function stagesOf({ everywhere }: Answer, form: Form): number[] {
  const all = everywhere === true ? [...stages.keys()] : [0, 4, 5];
  return form === 'program' ? all : all.filter((_, i) => i % 2 === 0);
}

const answers: readonly Answer[] = [
  { title: 'an error', act: say('\x01scp: no room\n'), cause: /^scp: no room$/m, everywhere: true },
  { title: 'an error without words', act: say('\x01\n'), cause: /./ },
  { title: 'its last word', act: say('\x02scp: good night\n'), cause: /scp: good night/, everywhere: true },
  {
    title: 'garbage',
    act: say('garbage\n'),
    cause: /protocol error: unexpected reply|the remote shell printed "garbage"/,
    everywhere: true,
  },
  {
    title: 'a line feed',
    act: say('\n'),
    cause: /protocol error: unexpected reply|the remote shell printed an empty line/,
  },
  {
    title: 'a long line without end',
    act: say('x'.repeat(100_000)),
    cause: /protocol error: unexpected reply|the remote shell printed "xxx/,
  },
  { title: 'an error of 100,000 characters', act: say(`\x01${'e'.repeat(100_000)}\n`), cause: /e{100}/ },
  {
    title: 'status 0',
    act: async (peer) => {
      peer.exit(0);
      return false;
    },
    cause: /lost connection/,
    everywhere: true,
  },
  {
    title: 'status 127',
    act: async (peer) => {
      peer.exit(127);
      return false;
    },
    cause: /lost connection|has no scp program/,
  },
  {
    title: 'the end of its output',
    act: async (peer) => {
      peer.closeOutput();
      await peer.gone;
      return false;
    },
    cause: /lost connection/,
  },
  {
    title: 'a signal',
    act: async (peer) => {
      peer.die('KILL');
      return false;
    },
    cause: /lost connection|signal KILL/,
  },
  {
    title: 'nothing, and vanishes',
    act: async (peer) => {
      peer.vanish();
      return false;
    },
    cause: /lost|reset/i,
    everywhere: true,
  },
];

describe.each(forms)('a server (%s) that answers an upload with', { concurrent: true, timeout: 60_000 }, (form) => {
  it.each(shareOf(form, forms, answers))(
    '$title, at whatever stage, fails the copy and leaves the source as it was',
    async (answer) => {
      const { act, cause, title } = answer;
      for (const index of stagesOf(answer, form)) {
        const result = await attack({ form, script: sinkThatFailsAt(index, act), ...upload });
        expectRefused(result, cause, [], `${title} to ${stages[index]}`);
      }
    },
  );

  it('more zeros than there are replies does not make the client hang or crash', async () => {
    for (const index of [0, 4, 5, 6]) {
      const stage = stages[index] ?? '';
      const result = await attack({ form, script: sinkThatFailsAt(index, say('\0'.repeat(1000))), ...upload });
      expectCleanEnd(result, stage);
      expect(result.changes, stage).toEqual([]);
    }
  });

  it('status 1 and no message after everything was taken fails the copy', async () => {
    const script: Script = async (peer) => {
      await sinkThatFailsAt(99, say(''))(ending(peer, 1));
    };
    expectRefused(await attack({ form, script, ...upload }), /the remote scp ended with status 1/);
  });

  it('the end of its input in the middle of the data fails the copy', async () => {
    const result = await attack({
      form,
      prepare: async (sandbox) => {
        await writeFile(join(sandbox.work, 'big'), '');
        await truncate(join(sandbox.work, 'big'), 64 * 1024 * 1024);
        await sandbox.settle();
      },
      operands: ['big', 'h:there'],
      script: async (peer) => {
        await peer.send('\0\0');
        await peer.readLine();
        await peer.read(100_000);
        if (form === 'program') peer.closeInput();
        else peer.closeOutput();
        await peer.gone;
      },
    });
    expectRefused(result, /lost connection/);
  });
});

/** Ends with the status when the client has nothing more to send. */
function ending(peer: HostilePeer, status: number): HostilePeer {
  return new Proxy(peer, {
    get(target, name) {
      if (name !== 'readLine') {
        const value = Reflect.get(target, name, target) as unknown;
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
      }
      return () =>
        target.readLine().catch((error: unknown) => {
          target.exit(status);
          throw error;
        });
    },
  });
}
