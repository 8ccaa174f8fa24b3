import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { removeAll, same } from './content.mjs';
import { ProgramFailure } from './measure.mjs';
import { turned } from './statistics.mjs';

/** Who took longer once is not asked again: its median would not change what the table says. */
const SLOW_SECONDS = 60;

/** A copy that is not what was copied. */
export class DifferentCopy extends Error {}

async function copyOnce(bench, one, copy, { nodeOptions, ...options }) {
  removeAll(copy.folder);
  mkdirSync(copy.folder, { recursive: true });
  const command = one.peer.command(copy, one.endpoint, nodeOptions);
  // Nobody finds the configuration of whoever runs this.
  const run = await bench.measure(command, bench.directory, { ...options, environment: { HOME: bench.directory } });
  if (run.timedOut !== true && !same(copy.source, join(copy.folder, basename(copy.source)), copy.tree))
    throw new DifferentCopy(`the copy differs from its source: ${command.join(' ')}`);
  return run;
}

/** One more run of ours that is not counted, with a profile of the processor. */
async function profileOnce(bench, one, caseName, copy, options) {
  const name = `${bench.jobId} ${caseName} ${one.name}.cpuprofile`.replaceAll(/[^\w.]+/g, '-');
  const nodeOptions = ['--cpu-prof', `--cpu-prof-dir=${bench.profiles}`, `--cpu-prof-name=${name}`];
  await copyOnce(bench, one, copy, { ...options, nodeOptions });
  bench.say(`  profile: ${join(bench.profiles, name)}`);
}

/**
 * Lets all programs make the same copy in turn, in another order in each round, and compares each copy with its source.
 *
 * @param contenders `{ name, peer, endpoint }`
 * @param options `rounds`, and for `measure` `timeoutSeconds` and `sumTree`; `timeoutOf` gives one for a name
 * @returns `{ name, bytes, rows, failures }`; a program that failed once has no row, and what it failed by stands in `failures`
 */
export async function runCase(bench, name, copy, contenders, options = {}) {
  const { rounds = bench.rounds, bytes = 0, timeoutOf = () => bench.timeoutSeconds, ...rest } = options;
  const runs = new Map(contenders.map((one) => [one, []]));
  const failures = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const one of turned([...runs.keys()], round)) {
      const sofar = runs.get(one);
      if (sofar.some(({ seconds }) => seconds > SLOW_SECONDS)) continue;
      try {
        const run = await copyOnce(bench, one, copy, { ...rest, timeoutSeconds: timeoutOf(one.name) });
        sofar.push(run);
        bench.say(`  ${name} · ${one.name}: ${run.timedOut ? 'more than ' : ''}${run.seconds.toFixed(3)} s`);
      } catch (error) {
        if (!(error instanceof ProgramFailure) && !(error instanceof DifferentCopy)) throw error;
        failures.push(`${name}: ${one.name}: ${error.message}`);
        bench.say(`  FAILED: ${failures.at(-1)}`);
        runs.delete(one);
      }
    }
  }
  if (bench.profiles !== undefined) {
    for (const one of runs.keys()) if (one.peer.ours) await profileOnce(bench, one, name, copy, rest);
  }
  removeAll(copy.folder);
  const rows = [...runs].map(([one, each]) => summarize(one, each));
  return { name, bytes, rows, failures };
}

function summarize({ name, peer }, runs) {
  const most = (what) => {
    const values = runs.map((run) => run[what]).filter((value) => value !== undefined);
    return values.length === 0 ? null : Math.max(...values);
  };
  return {
    program: name,
    ours: peer.ours === true,
    seconds: runs.map(({ seconds }) => seconds),
    processorSeconds: runs.flatMap(({ processorSeconds: seconds }) => seconds ?? []),
    peakMiB: most('peakMiB'),
    treeMiB: most('treeMiB'),
    timedOut: runs.some((run) => run.timedOut),
  };
}
