import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProgramFailure } from '../../bench/measure.mjs';
import { choosePeers } from '../../bench/peers.mjs';
import { runCase } from '../../bench/rounds.mjs';

interface Run {
  seconds: number;
  processorSeconds?: number;
  peakMiB?: number;
  timedOut?: boolean;
}
type Program = (source: string, target: string) => Run;

let directory: string;
let said: string[];
let order: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bench-rounds-'));
  said = [];
  order = [];
});

afterEach(() => rmSync(directory, { recursive: true }));

/** Runs functions in place of programs; their command is their name. */
async function run(programs: Record<string, Program>, rounds: number, tree = false) {
  const source = join(directory, 'source');
  if (tree) mkdirSync(source);
  writeFileSync(tree ? join(source, 'a') : source, 'content');
  const folder = join(directory, 'copies');
  const bench = {
    directory,
    rounds,
    timeoutSeconds: 5,
    say: (line: string) => said.push(line),
    measure: async ([name = '']: string[]) => {
      order.push(name);
      return programs[name]!(source, join(folder, basename(source)));
    },
  };
  const contenders = Object.keys(programs).map((name) => ({ name, peer: { command: () => [name] }, endpoint: {} }));
  return await runCase(bench, 'a case', { source, folder, tree, direction: 'up' }, contenders);
}

const good =
  (seconds: number): Program =>
  (source, target) => {
    copyFileSync(source, target);
    return { seconds, processorSeconds: seconds / 2, peakMiB: seconds };
  };

describe('the rounds of a case', () => {
  it('let the programs take turns, in another order each round, and keep what each took', async () => {
    const result = await run({ a: good(1), b: good(2) }, 3);
    expect(order).toEqual(['a', 'b', 'b', 'a', 'a', 'b']);
    expect(result.failures).toEqual([]);
    expect(result.rows).toMatchObject([
      {
        program: 'a',
        seconds: [1, 1, 1],
        processorSeconds: [0.5, 0.5, 0.5],
        peakMiB: 1,
        treeMiB: null,
        timedOut: false,
      },
      { program: 'b', seconds: [2, 2, 2], peakMiB: 2 },
    ]);
  });

  it('fail a program whose copy differs by a byte, loudly, and go on with the others', async () => {
    const liar: Program = (_source, target) => {
      writeFileSync(target, 'Content');
      return { seconds: 1 };
    };
    const result = await run({ liar, b: good(2) }, 2);
    expect(result.rows.map((row: { program: string }) => row.program)).toEqual(['b']);
    expect(result.failures).toEqual(['a case: liar: the copy differs from its source: liar']);
    expect(said).toContain('  FAILED: a case: liar: the copy differs from its source: liar');
  });

  it('do not take the copy of the program before for one of a program that copies nothing', async () => {
    const idler: Program = () => ({ seconds: 1 });
    const result = await run({ a: good(1), idler }, 1);
    expect(result.failures).toHaveLength(1);
  });

  it('compare trees, and see a file too many', async () => {
    const tooMuch: Program = (source, target) => {
      mkdirSync(target);
      copyFileSync(join(source, 'a'), join(target, 'a'));
      writeFileSync(join(target, 'b'), '');
      return { seconds: 1 };
    };
    expect((await run({ tooMuch }, 1, true)).failures).toHaveLength(1);
  });

  it('fail a program that ends with another status, and do not hide errors of the bench', async () => {
    const broken: Program = () => {
      throw new ProgramFailure('ended with 3');
    };
    expect((await run({ broken }, 2)).failures).toEqual(['a case: broken: ended with 3']);
    expect(order).toEqual(['broken']);
    const bug: Program = () => {
      throw new TypeError('a bug');
    };
    await expect(run({ bug }, 1)).rejects.toThrow('a bug');
  });

  it('ask a slow program once, and compare nothing of one that was ended', async () => {
    const result = await run({ slow: good(61), ended: () => ({ seconds: 300, timedOut: true }), fast: good(1) }, 3);
    expect(result.failures).toEqual([]);
    expect(result.rows).toMatchObject([
      { program: 'slow', seconds: [61] },
      { program: 'ended', seconds: [300], timedOut: true, peakMiB: null },
      { program: 'fast', seconds: [1, 1, 1] },
    ]);
  });
});

describe('the choice of peers', () => {
  const names = (wanted: string[]) => {
    const { peers, missing } = choosePeers(wanted);
    return [...peers.map(({ name }: { name: string }) => name), ...missing].sort((a, b) => a.localeCompare(b));
  };

  it('adds all of ours to those that are named', () => {
    expect(names(['scp-O'])).toEqual([
      'scp -O',
      'sealift builtin',
      'sealift builtin -O',
      'sealift ssh',
      'sealift ssh -O',
    ]);
  });

  it('leaves out ours that are not named where one is', () => {
    expect(names(['scp', 'sealift-ssh-O'])).toEqual(['scp', 'sealift ssh -O']);
  });

  it('refuses a name that it does not know', () => {
    expect(() => choosePeers(['ftp'])).toThrow('--peers: ftp is none of scp, scp-O,');
  });
});
