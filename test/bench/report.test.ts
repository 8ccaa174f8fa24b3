import { describe, expect, it } from 'vitest';
import { figure, resultsPage, table } from '../../bench/report/markdown.mjs';
import { judge } from '../../bench/statistics.mjs';

const row = (program: string, seconds: number[], more: object = {}) => ({
  program,
  ours: program.startsWith('sealift'),
  seconds,
  processorSeconds: seconds,
  peakMiB: 10.4,
  treeMiB: null,
  timedOut: false,
  ...more,
});

const job = (more: object = {}) => ({
  id: 'P1',
  title: 'one large file',
  date: '2026-11-26T18:00:00.000Z',
  sealift: '0.1.0, abcdef',
  rounds: 3,
  quick: false,
  cases: [
    {
      name: '100 MiB up',
      bytes: 100 * 1024 * 1024,
      rows: [row('scp', [2, 1, 4]), row('sealift ssh', [0.5])],
      failures: [],
    },
  ],
  targets: [judge('up: times scp', 4, { atLeast: 1.5 }), judge('down: times scp', 1, { atLeast: 1.5 })],
  notes: ['a note'],
  failures: [],
  ...more,
});

const page = (jobs: object[]): string =>
  resultsPage({
    date: '2026-11-26T18:00:00.000Z',
    machine: {
      cores: 2,
      processor: 'Example',
      memoryGiB: 24,
      kernel: '6.1',
      versions: { node: '20', rsync: undefined },
    },
    jobs,
    proxy: {
      direct: { roundTripMs: 0.05, bytesPerSecond: 1e9 },
      links: [{ roundTripMs: 50, bytesPerSecond: null, measured: { roundTripMs: 51, bytesPerSecond: 5e8 } }],
    },
  });

describe('the page of the results', () => {
  it('names the machine, the versions and the date', () => {
    expect(page([job()])).toContain('2026-11-26; 2 cores (Example), 24 GiB, Linux 6.1; node 20.\n');
  });

  it('has a line for each target, met or not or not measured', () => {
    const lines = page([job({ targets: [...job().targets, judge('x', Number.NaN, { atMost: 3 }, 'MiB')] })]).split(
      '\n',
    );
    expect(lines).toContain('| P1 | up: times scp | >= 1.5 | 4.00 | met |');
    expect(lines).toContain('| P1 | down: times scp | >= 1.5 | 1.00 | **not met** |');
    expect(lines).toContain('| P1 | x | <= 3 MiB | - MiB | not measured |');
  });

  it('has medians, rates and ratios to scp', () => {
    const lines = page([job()]).split('\n');
    expect(lines).toContain('| 100 MiB up | scp | 2.00 | 75 % | 3 | 50 | 1.00 | 2.00 | 10 |');
    expect(lines).toContain('| 100 MiB up | sealift ssh | 0.500 | - | 1 | 200 | 4.00 | 0.500 | 10 |');
  });

  it('says of a program that was ended that it took longer', () => {
    const [one] = job().cases;
    const rows = [row('scp', [600], { timedOut: true, processorSeconds: [], peakMiB: null }), row('sealift ssh', [6])];
    const lines = page([job({ cases: [{ ...one, rows }] })]).split('\n');
    expect(lines).toContain('| 100 MiB up | scp | > 600 | - | 1 |  | > 1.00 | - | - |');
    expect(lines).toContain('| 100 MiB up | sealift ssh | 6.00 | - | 1 | 17 | > 100 | 6.00 | 10 |');
  });

  it('says loudly what failed', () => {
    const text = page([job({ failures: ['up: rsync: the copy differs'] })]);
    expect(text).toContain('**1 copies failed: see FAILED below.**');
    expect(text).toContain('- **FAILED**: up: rsync: the copy differs');
    expect(page([job()])).not.toContain('FAILED');
  });

  it('says of which version a job is, and that a quick one proves nothing', () => {
    expect(page([job()])).toContain('2026-11-26 18:00 UTC, Sealift 0.1.0, abcdef, rounds: 3.\n');
    expect(page([job()])).not.toContain('--quick');
    expect(page([job(), job({ quick: true })])).toContain('**Some jobs were run with --quick');
  });

  it('tells what the proxy adds', () => {
    expect(page([job()])).toContain('| 50 ms | none | 51.0 ms | 500 MB/s |');
  });
});

describe('figures and tables', () => {
  it('have three digits that count', () => {
    expect([0, 0.12345, 1.2345, 12.345, 123.45, 12345, Number.NaN, null].map(figure)).toEqual([
      '0.00',
      '0.123',
      '1.23',
      '12.3',
      '123',
      '12345',
      '-',
      '-',
    ]);
  });

  it('keep a bar in its cell', () => {
    expect(table(['a'], [['b|c']])).toBe('| a |\n| --- |\n| b\\|c |');
  });
});
