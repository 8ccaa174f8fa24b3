// `npm run bench`: Sealift beside the system's scp, in one run on one machine. Ratios are what counts; times depend on the machine.
//
//   npm run bench                     all jobs, 5 rounds, writes bench/RESULTS.md
//   npm run bench -- --quick          3 rounds of 256 MiB, writes nothing
//   npm run bench -- --rounds 7 --only up
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeFile, makeTree, sameFile, sameTree } from './content.mjs';
import { measure } from './measure.mjs';
import { startSshd } from './sshd.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const MEBIBYTE = 1024 * 1024;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string' },
  },
});
const rounds = Number(values.rounds ?? (values.quick ? 3 : 5));
const size = (values.quick ? 256 : 1024) * MEBIBYTE;
const files = values.quick ? 500 : 2000;

/** Who copies: a name and the words in front of the copy's own. */
function peers(config) {
  const sealift = [process.execPath, join(root, 'bin/sealift'), 'scp'];
  return [
    { name: 'scp -O', words: ['scp', '-O', '-q', '-F', config] },
    { name: 'sealift, ssh program', words: [...sealift, '-O', '-q', '--transport=ssh', '-F', config] },
    { name: 'sealift, built in', words: [...sealift, '-O', '-q', '--transport=builtin', '-F', config] },
  ];
}

/** What is copied. `check` compares the copy with its source, byte for byte. */
function jobs(directory) {
  const big = join(directory, 'big');
  const tree = join(directory, 'tree');
  const copy = join(directory, 'copy');
  const small = join(tree, 'folder-0', 'file-0');
  const cipher = ['-c', 'aes128-gcm@openssh.com'];
  const whole = `${size / MEBIBYTE} MiB`;
  const one = (args) => ({ args, bytes: size, check: () => sameFile(big, copy) });
  const many = (args) => ({ args, bytes: 0, check: () => sameTree(tree, copy) });
  return [
    { name: `${whole} up`, ...one([big, `server:${copy}`]) },
    { name: `${whole} down`, ...one([`server:${big}`, copy]) },
    { name: `${whole} up, aes128-gcm`, ...one([...cipher, big, `server:${copy}`]) },
    { name: `${whole} down, aes128-gcm`, ...one([...cipher, `server:${big}`, copy]) },
    { name: `${files} files of 2 KiB up`, ...many(['-r', tree, `server:${copy}`]) },
    { name: `${files} files of 2 KiB down`, ...many(['-r', `server:${tree}`, copy]) },
    { name: 'one file of 2 KiB up', args: [small, `server:${copy}`], bytes: 0, check: () => sameFile(small, copy) },
  ].map((job) => ({ ...job, copy }));
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

async function runJob(job, everybody) {
  const runs = new Map(everybody.map((peer) => [peer.name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const peer of everybody) {
      rmSync(job.copy, { recursive: true, force: true });
      const run = await measure([...peer.words, ...job.args]);
      if (!job.check()) throw new Error(`${peer.name}: ${job.name}: the copy differs from its source`);
      runs.get(peer.name).push(run);
    }
  }
  const base = median(runs.get(everybody[0].name).map((run) => run.seconds));
  return everybody.map((peer) => {
    const seconds = median(runs.get(peer.name).map((run) => run.seconds));
    const peakMiB = Math.max(...runs.get(peer.name).map((run) => run.peakKiB)) / 1024;
    const rate = job.bytes === 0 ? '' : `${(job.bytes / MEBIBYTE / seconds).toFixed(0)} MiB/s`;
    return [
      job.name,
      peer.name,
      `${seconds.toFixed(2)} s`,
      rate,
      `${(base / seconds).toFixed(2)}`,
      `${peakMiB.toFixed(0)} MiB`,
    ];
  });
}

function table(rows) {
  const head = ['job', 'program', 'median time', 'rate', 'times as fast as scp -O', 'peak memory'];
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function machine() {
  const ssh = execFileSync('sh', ['-c', 'ssh -V 2>&1'], { encoding: 'utf8' }).trim();
  return `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 1024 ** 3)} GiB; Node ${process.versions.node}; ${ssh}`;
}

const directory = mkdtempSync(join(tmpdir(), 'sealift-bench-'));
const sshd = await startSshd(directory);
try {
  makeFile(join(directory, 'big'), size);
  makeTree(join(directory, 'tree'), files);
  const rows = [];
  for (const job of jobs(directory)) {
    if (values.only !== undefined && !job.name.includes(values.only)) continue;
    const measured = await runJob(job, peers(sshd.config));
    for (const row of measured) process.stdout.write(`${row.join('   ')}\n`);
    rows.push(...measured);
  }
  if (!values.quick && values.only === undefined) {
    const date = new Date().toISOString().slice(0, 10);
    const text = `# Results of npm run bench\n\n${date}; ${machine()}.\nStock sshd on loopback, ${rounds} rounds, the programs in turn, medians. Every copy was compared with its source.\n\n${table(rows)}\n`;
    writeFileSync(join(root, 'bench/RESULTS.md'), text);
  }
} finally {
  await sshd.stop();
  rmSync(directory, { recursive: true, force: true });
}
