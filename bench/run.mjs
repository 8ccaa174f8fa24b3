// `npm run bench`: Sealift beside other programs that copy, in one run on one machine. Ratios are what counts; times depend on the machine.
//
//   npm run bench                            all jobs, 5 rounds, some hours; writes bench/results.json and bench/RESULTS.md
//   npm run bench -- --quick                 small sizes, 2 rounds; writes nothing
//   npm run bench -- --only P3,P4            some of: P1 to P11, exact, rtt, count; writes nothing
//   npm run bench -- --only P3 --merge       puts that job into the results that are there
//   npm run bench -- --peers scp,rsync       only these besides ours; one of ours named leaves out the others
//   npm run bench -- --rounds 7 --timeout 300
//   npm run bench -- --out FOLDER            writes the results there
//   npm run bench -- --only P5 --profile     one more run of each of ours, with a profile of the processor in bench/profiles
//
// A profile opens in Chrome's developer tools (Performance, "Load profile"), in VS Code, and as a list of what took the most by
// `node bench/profile.mjs FILE`.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { removeAll } from './content.mjs';
import { makeEndpoint, makeIdentity } from './endpoint.mjs';
import { exact } from './jobs/exact.mjs';
import { p11 } from './jobs/images.mjs';
import { p4 } from './jobs/long-link.mjs';
import { p7 } from './jobs/memory.mjs';
import { p1, p2, p6 } from './jobs/one-file.mjs';
import { p8, p10 } from './jobs/own-server.mjs';
import { p9 } from './jobs/server-load.mjs';
import { count, rtt } from './jobs/sweeps.mjs';
import { p3, p5 } from './jobs/trees.mjs';
import { describeMachine } from './machine.mjs';
import { measure } from './measure.mjs';
import { choosePeers } from './peers.mjs';
import { probeProxy } from './proxy/probe.mjs';
import { figure, resultsPage } from './report/markdown.mjs';
import { runCase } from './rounds.mjs';
import { sourcesIn } from './sources.mjs';
import { startSshd } from './sshd.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const jobs = {
  P1: p1,
  P2: p2,
  P3: p3,
  P4: p4,
  P5: p5,
  P6: p6,
  P7: p7,
  P8: p8,
  P9: p9,
  P10: p10,
  P11: p11,
  exact,
  rtt,
  count,
};
const LINKS = [{ roundTripMs: 50 }, { roundTripMs: 100, bytesPerSecond: 125_000_000 }];

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string' },
    peers: { type: 'string' },
    timeout: { type: 'string', default: '300' },
    merge: { type: 'boolean', default: false },
    out: { type: 'string' },
    profile: { type: 'boolean', default: false },
  },
});

function chooseJobs() {
  const wanted = values.only?.split(',') ?? Object.keys(jobs);
  const unknown = wanted.find((one) => !Object.hasOwn(jobs, one));
  if (unknown !== undefined) throw new Error(`--only: ${unknown} is none of ${Object.keys(jobs).join(', ')}`);
  return wanted;
}

function number(name, text) {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${name}: ${text} is not a number from 1`);
  return Number(text);
}

const say = (line) => process.stdout.write(`${line}\n`);
const wanted = chooseJobs();
const { peers, missing } = choosePeers(values.peers?.split(','));
const rounds = number('rounds', values.rounds ?? (values.quick ? '2' : '5'));
const isWhole = !values.quick && values.only === undefined && values.peers === undefined;
const out = values.out ?? (isWhole || values.merge ? here : undefined);
if (values.quick && out === here)
  throw new Error('--merge: what --quick measures is not kept in bench/; name another place with --out');
const profiles = values.profile ? join(here, 'profiles') : undefined;
if (profiles !== undefined) mkdirSync(profiles, { recursive: true });

const machine = describeMachine();
const results = { date: new Date().toISOString(), machine, jobs: [] };
const old = out === undefined ? undefined : join(out, 'results.json');
if (values.merge && existsSync(old)) results.jobs = JSON.parse(readFileSync(old, 'utf8')).jobs;

/** After each job, so that what has been measured is there whatever comes. */
function write() {
  if (out === undefined) return;
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'results.json'), `${JSON.stringify(results, undefined, 1)}\n`);
  writeFileSync(join(out, 'RESULTS.md'), resultsPage(results));
}

function keep(job) {
  const order = Object.keys(jobs);
  results.jobs = [...results.jobs.filter(({ id }) => id !== job.id), job];
  results.jobs.sort((one, other) => order.indexOf(one.id) - order.indexOf(other.id));
}

async function runJob(bench, id) {
  say(`${id}: ${jobs[id].title}`);
  bench.jobId = id;
  const { sealift } = machine.versions;
  const job = { id, title: jobs[id].title, date: new Date().toISOString(), sealift, rounds, quick: values.quick };
  const {
    cases,
    targets,
    notes = [],
    failures = [],
  } = await jobs[id].run(bench).catch((error) => {
    // The other jobs are measured all the same; this one's place says what happened, and so does the status at the end.
    say(`FAILED: ${error.stack}`);
    return { cases: [], targets: [], failures: [error.message] };
  });
  keep({ ...job, cases, targets, notes, failures: [...failures, ...cases.flatMap((one) => one.failures)] });
  const words = { true: 'met    ', false: 'NOT MET', null: '?      ' };
  for (const { what, value, unit, met, atLeast, atMost } of targets) {
    const bound = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
    say(`${words[met]} ${id} ${what}: ${figure(value)} ${unit} (${bound})`);
  }
  for (const note of notes) say(`        ${note}`);
  write();
}

const directory = mkdtempSync(join(tmpdir(), 'sealift-bench-'));
const files = join(directory, 'files');
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    removeAll(directory);
    process.exit(1);
  });
}
let sshd;
try {
  mkdirSync(files);
  const identity = makeIdentity(directory);
  sshd = await startSshd(join(directory, 'sshd'), identity);
  const bench = {
    directory,
    files,
    identity,
    sshd,
    peers,
    rounds,
    profiles,
    say,
    measure,
    quick: values.quick,
    timeoutSeconds: number('timeout', values.timeout),
    direct: makeEndpoint(directory, sshd, identity),
    source: sourcesIn(files),
    runCase: (...args) => runCase(bench, ...args),
  };
  const versions = Object.entries(machine.versions).filter(([, version]) => version !== undefined);
  say(`${versions.map((pair) => pair.join(' ')).join('; ')}; programs: ${peers.map(({ name }) => name).join(', ')}`);
  if (missing.length > 0) say(`not installed: ${missing.join(', ')}`);
  results.proxy = await probeProxy(LINKS, values.quick ? 32 : 256);
  for (const { roundTripMs, bytesPerSecond, measured } of results.proxy.links) {
    const rate = bytesPerSecond === null ? 'any rate' : `${bytesPerSecond / 1e6} MB/s`;
    say(
      `proxy: ${roundTripMs} ms, ${rate}: ${figure(measured.roundTripMs)} ms, ${figure(measured.bytesPerSecond / 1e6)} MB/s`,
    );
  }
  for (const id of wanted) await runJob(bench, id);
} finally {
  await sshd?.stop();
  removeAll(directory);
}

const failures = results.jobs
  .filter(({ id }) => wanted.includes(id))
  .flatMap((job) => job.failures.map((text) => `${job.id}: ${text}`));
for (const text of failures) process.stderr.write(`FAILED: ${text}\n`);
if (failures.length > 0) process.exitCode = 1;
