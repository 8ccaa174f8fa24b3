// Draws the plots of the README from bench/results.json: `node bench/plot.mjs [RESULTS [FOLDER]]`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { linePlot } from './report/svg.mjs';
import { median } from './statistics.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const [file = join(here, 'results.json'), folder = join(here, 'plots')] = process.argv.slice(2);
const { jobs } = JSON.parse(readFileSync(file, 'utf8'));

/** Ours first: their colours are the first ones. */
const NAMES = {
  'sealift builtin': 'Sealift, built-in SSH',
  'sealift ssh': 'Sealift, ssh program',
  scp: 'scp',
  'scp -O': 'scp -O',
  rsync: 'rsync',
};

function casesOf(id) {
  const job = jobs.find((one) => one.id === id);
  if (job === undefined) throw new Error(`${file}: has no job ${id}; run npm run bench -- --only ${id} --merge`);
  return job.cases;
}

function seriesOf(cases, xOf) {
  return Object.entries(NAMES).map(([program, name]) => ({
    name,
    ours: program.startsWith('sealift'),
    points: cases.flatMap((one) =>
      one.rows
        .filter((row) => row.program === program)
        .map(({ seconds, timedOut }) => ({ x: xOf(one), seconds: median(seconds), timedOut })),
    ),
  }));
}

mkdirSync(folder, { recursive: true });
const [byRtt, byCount] = [casesOf('rtt'), casesOf('count')];
const plots = {
  'time-by-round-trip.svg': {
    title: `Uploading ${byRtt[0].files} files of 2 KiB`,
    subtitle: 'time against the round-trip time of the link, both logarithmic; lower is better',
    xTitle: 'round-trip time',
    xText: (ms) => `${ms} ms`,
    series: seriesOf(byRtt, ({ roundTripMs }) => roundTripMs),
  },
  'time-by-files.svg': {
    title: `Uploading files of 2 KiB, ${byCount[0].roundTripMs} ms away`,
    subtitle: 'time against the number of files, both logarithmic; lower is better',
    xTitle: 'files',
    xText: (files) => files.toLocaleString('en'),
    series: seriesOf(byCount, ({ files }) => files),
  },
};
for (const [name, plot] of Object.entries(plots)) {
  writeFileSync(join(folder, name), linePlot(plot));
  console.log(join(folder, name));
}
