import { median, spread } from '../statistics.mjs';

const QUICK = ' **--quick: small sizes, only to try the bench.**';
const MEBIBYTE = 1024 * 1024;

/** A table; a bar in a cell stays in it. */
export function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Three digits that count. */
export function figure(value) {
  if (value === null || !Number.isFinite(value)) return '-';
  const digits = value === 0 ? 1 : Math.floor(Math.log10(Math.abs(value))) + 1;
  return value.toFixed(Math.min(3, Math.max(0, 3 - digits)));
}

const verdict = (met) => (met === null ? 'not measured' : met ? 'met' : '**not met**');

/** The table of all targets, each with what was measured. */
function targetTable(jobs) {
  const rows = jobs.flatMap(({ id, targets }) =>
    targets.map(({ what, value, unit, met, ...bound }) => {
      const words = bound.atLeast === undefined ? `<= ${bound.atMost}` : `>= ${bound.atLeast}`;
      return [id, what, `${words} ${unit}`.trim(), `${figure(value)} ${unit}`.trim(), verdict(met)];
    }),
  );
  return table(['#', 'what', 'target', 'measured', ''], rows);
}

function caseRows({ name, bytes, rows }) {
  const base = rows.find(({ program }) => program === 'scp') ?? rows[0];
  return rows.map((row) => {
    const seconds = median(row.seconds);
    const ratio = median(base.seconds) / seconds;
    const memory = row.peakMiB === null ? '-' : row.peakMiB.toFixed(0);
    return [
      name,
      row.program,
      row.timedOut ? `> ${figure(seconds)}` : figure(seconds),
      row.seconds.length > 1 ? `${(spread(row.seconds) * 100).toFixed(0)} %` : '-',
      row.seconds.length,
      bytes > 0 && !row.timedOut ? (bytes / MEBIBYTE / seconds).toFixed(0) : '',
      `${base.timedOut ? '> ' : row.timedOut ? '< ' : ''}${figure(ratio)}`,
      row.processorSeconds.length === 0 ? '-' : figure(median(row.processorSeconds)),
      row.treeMiB === null ? memory : `${memory} (${row.treeMiB.toFixed(0)} with all)`,
    ];
  });
}

function jobText(job) {
  const parts = [
    `## ${job.id}: ${job.title}`,
    `${job.date.slice(0, 16).replace('T', ' ')} UTC, Sealift ${job.sealift}, rounds: ${job.rounds}.${job.quick ? QUICK : ''}`,
  ];
  const compared = job.cases.some(({ rows }) => rows.some(({ program }) => program === 'scp')) ? 'scp' : 'the first';
  const head = [
    'job',
    'program',
    'median s',
    'spread',
    'runs',
    'MiB/s',
    `times ${compared}`,
    'processor s',
    'peak MiB',
  ];
  if (job.cases.length > 0) parts.push(table(head, job.cases.flatMap(caseRows)));
  if (job.notes.length > 0) parts.push(job.notes.map((note) => `- ${note}`).join('\n'));
  if (job.failures.length > 0) parts.push(job.failures.map((text) => `- **FAILED**: ${text}`).join('\n'));
  return parts.join('\n\n');
}

function proxyText({ direct, links }) {
  const rate = (bytes) => (bytes === null ? 'none' : `${(bytes / 1e6).toFixed(0)} MB/s`);
  const rows = links.map(({ roundTripMs, bytesPerSecond, measured }) => [
    `${roundTripMs} ms`,
    rate(bytesPerSecond),
    `${figure(measured.roundTripMs)} ms`,
    rate(measured.bytesPerSecond),
  ]);
  const asIs = ['no proxy', '', `${figure(direct.roundTripMs)} ms`, rate(direct.bytesPerSecond)];
  return `## What the delay proxy adds by itself\n\n${table(['round trip', 'rate', 'measured', 'measured'], [asIs, ...rows])}`;
}

/** The page RESULTS.md of the results of a run. */
export function resultsPage(results) {
  const { machine, date, jobs, proxy } = results;
  const versions = Object.entries(machine.versions).flatMap(([name, version]) =>
    version ? [`${name} ${version}`] : [],
  );
  const tried = jobs.some(({ quick }) => quick);
  const failed = jobs.flatMap(({ failures }) => failures).length;
  const parts = [
    '# Results of npm run bench',
    `${date.slice(0, 10)}; ${machine.cores} cores (${machine.processor}), ${machine.memoryGiB} GiB, Linux ${machine.kernel}; ${versions.join('; ')}.`,
    `The programs in turn, each round in another order, medians. A stock sshd on loopback unless said otherwise. Every copy was compared with its source, byte for byte. ` +
      'The spread is that of the middle half, as a share of the median. The peak is the memory of the largest process of each run, as wait4 tells it; "with all" is the sum of all its processes, sampled. ' +
      'A program that took longer than a minute ran once.',
  ];
  if (failed > 0) parts.push(`**${failed} copies failed: see FAILED below.**`);
  if (tried) parts.push('**Some jobs were run with --quick, which only tries the bench.**');
  parts.push('## Targets', targetTable(jobs));
  parts.push(...jobs.map(jobText));
  if (proxy !== undefined) parts.push(proxyText(proxy));
  return `${parts.join('\n\n')}\n`;
}
