import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Answer, askMethods, type Method } from '../../src/aaa/method-list.ts';
import { ServerGroup } from '../../src/aaa/server-group.ts';

/** Everything that a method can do. `pass` alone is a yes. */
const behaviours: Readonly<Record<string, (signal: AbortSignal) => unknown>> = {
  pass: () => ({ kind: 'pass', value: 'yes' }),
  refuse: () => ({ kind: 'refuse', reason: 'no' }),
  error: () => ({ kind: 'error', reason: 'down' }),
  throws: () => {
    throw new Error('broken');
  },
  rejects: async () => await Promise.reject(new Error('broken later')),
  'throws no error': () => {
    throw 'text' as unknown as Error;
  },
  silent: () => new Promise(() => {}),
  'nothing at all': () => undefined,
  null: () => null,
  true: () => true,
  'a text': () => 'pass',
  'another kind': () => ({ kind: 'PASS', value: 'yes' }),
  'a pass without a value': () => ({ kind: 'pass' }),
  'a pass with a value that makes no sense': () => ({ kind: 'pass', value: 'perhaps' }),
  'a list of kinds': () => ({ kind: ['pass'], value: 'yes' }),
};

type Behaviour = keyof typeof behaviours;

function method(behaviour: Behaviour, asked: Behaviour[] = []): Method<string, string> {
  return {
    name: behaviour,
    ask: (_, { signal }) => {
      asked.push(behaviour);
      return behaviours[behaviour]?.(signal) as Promise<Answer<string>>;
    },
  };
}

const isValid = (value: string): boolean => value === 'yes';

async function ask(list: readonly Behaviour[], asked: Behaviour[] = []): ReturnType<typeof askMethods<string, string>> {
  const methods = list.map((behaviour) => method(behaviour, asked));
  return await askMethods(methods, 'question', { isValid, signal: new AbortController().signal, timeoutMs: 1 });
}

const names = Object.keys(behaviours);
const lists = fc.array(fc.constantFrom(...names), { maxLength: 5 });

describe('a method list', () => {
  it('passes only where the first method that can say passes, and asks nobody behind it', async () => {
    await fc.assert(
      fc.asyncProperty(lists, async (list) => {
        const asked: Behaviour[] = [];
        const outcome = await ask(list, asked);
        const at = list.findIndex((one) => one === 'pass' || one === 'refuse');
        const deciding = list[at];
        expect(outcome.kind).toBe(deciding === undefined ? 'undecided' : deciding === 'pass' ? 'passed' : 'refused');
        expect(asked).toEqual(at < 0 ? list : list.slice(0, at + 1));
      }),
      { numRuns: 300 },
    );
  });

  it('never passes without a method that passes', async () => {
    const others = fc.array(fc.constantFrom(...names.filter((name) => name !== 'pass')), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(others, async (list) => {
        expect((await ask(list)).kind).not.toBe('passed');
      }),
      { numRuns: 300 },
    );
  });

  it('refuses where there is no method at all, and says why', async () => {
    expect(await ask([])).toEqual({ kind: 'undecided', reason: 'no method can judge this' });
    expect(await ask(['error', 'silent'])).toEqual({
      kind: 'undecided',
      reason: 'error: down; silent: no answer in time',
    });
  });

  it('passes over a method that cannot judge the question', async () => {
    const methods = [{ ...method('pass'), judges: () => false }, method('refuse')];
    const outcome = await askMethods(methods, '', { isValid, signal: new AbortController().signal });
    expect(outcome).toEqual({ kind: 'refused', method: 'refuse', reason: 'no', busy: false });
  });

  it('a method that fails to say whether it can judge counts as an error', async () => {
    const judges = (): boolean => {
      throw new Error('broken');
    };
    const outcome = await askMethods([{ ...method('pass'), judges }], '', {
      isValid,
      signal: new AbortController().signal,
    });
    expect(outcome.kind).toBe('undecided');
  });

  it('rethrows the reason of an abort, and tells the method', async () => {
    const controller = new AbortController();
    let told: AbortSignal | undefined;
    const waiting: Method<string, string> = {
      name: 'waiting',
      ask: (_, { signal }) => {
        told = signal;
        controller.abort(new Error('gone'));
        return new Promise(() => {});
      },
    };
    await expect(askMethods([waiting, method('pass')], '', { isValid, signal: controller.signal })).rejects.toThrow(
      'gone',
    );
    expect(told?.aborted).toBe(true);
  });

  it('tells a method whose time is over', async () => {
    let told: AbortSignal | undefined;
    const slow: Method<string, string> = {
      name: 'slow',
      ask: (_, { signal }) => {
        told = signal;
        return new Promise(() => {});
      },
    };
    await askMethods([slow], '', { isValid, signal: new AbortController().signal, timeoutMs: 1 });
    expect(told?.aborted).toBe(true);
  });
});

describe('a group of servers', () => {
  function group(
    list: readonly Behaviour[],
    deadTimeMs = 1000,
  ): { ask: () => Promise<Answer<string>>; asked: string[]; clock: { now: number } } {
    const clock = { now: 0 };
    const asked: string[] = [];
    const servers = list.map((behaviour, index) => ({
      name: `s${index}`,
      ask: (_: string, { signal }: { signal: AbortSignal }) => {
        asked.push(`s${index}`);
        return behaviours[behaviour]?.(signal) as Promise<Answer<string>>;
      },
    }));
    const one = new ServerGroup(servers, { name: 'tacacs+', deadTimeMs, now: () => clock.now });
    return { ask: () => one.ask('', { signal: new AbortController().signal }), asked, clock };
  }

  it('asks the next server after one that failed, and passes that one over until its dead time is over', async () => {
    const { ask: question, asked, clock } = group(['throws', 'pass']);
    expect((await question()).kind).toBe('pass');
    expect((await question()).kind).toBe('pass');
    clock.now = 999;
    await question();
    expect(asked).toEqual(['s0', 's1', 's1', 's1']);
    clock.now = 1000;
    await question();
    expect(asked.slice(4)).toEqual(['s0', 's1']);
  });

  it('does not ask on after a refusal', async () => {
    const { ask: question, asked } = group(['refuse', 'pass']);
    expect((await question()).kind).toBe('refuse');
    expect(asked).toEqual(['s0']);
  });

  it('asks all servers where all are dead', async () => {
    const { ask: question, asked } = group(['error', 'error']);
    expect((await question()).kind).toBe('error');
    expect(await question()).toEqual({ kind: 'error', reason: 's0: down, s1: down' });
    expect(asked).toEqual(['s0', 's1', 's0', 's1']);
  });

  it('without servers is an error', async () => {
    expect(await group([]).ask()).toEqual({ kind: 'error', reason: 'has no servers' });
  });
});
