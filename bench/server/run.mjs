// `npm run bench:server`: what the server holds and how long it lets others wait, against the figures it has to hold. Ends with status 1 where one is missed.
//
//   npm run bench:server                      all of them, about five minutes
//   npm run bench:server -- --quick           a tenth of each
//   npm run bench:server -- --only transfers  one of: silent, timing, before-login, idle, transfers, cycles, slow
//   npm run bench:server -- --json            a line of JSON for each figure
import { parseArgs } from 'node:util';
import { jobs } from './jobs.mjs';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const chosen = Object.entries(jobs).filter(([name]) => values.only === undefined || values.only === name);
if (chosen.length === 0) throw new Error(`--only: ${values.only} is none of ${Object.keys(jobs).join(', ')}`);
const share = values.quick ? 0.1 : 1;

let missed = 0;
for (const [job, measure] of chosen) {
  const started = performance.now();
  const figures = await measure(share);
  for (const { what, value, limit, unit } of figures) {
    const holds = value <= limit;
    if (!holds) missed++;
    if (values.json) console.log(JSON.stringify({ job, what, value, limit, unit, holds }));
    else console.log(`${holds ? 'holds ' : 'MISSED'}  ${what}: ${value.toFixed(1)} ${unit} (at most ${limit} ${unit})`);
  }
  if (!values.json) console.log(`        ${job}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
}
process.exitCode = missed === 0 ? 0 : 1;
