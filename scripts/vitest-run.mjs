// Runs vitest under a given Node and counts the outcome from its JSON report.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** The vitest program, or undefined when the development dependencies are not installed. */
export function findVitest() {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  } catch {
    return undefined;
  }
}

/** Runs a program in the project's folder with its output passed on; resolves to its exit status, 1 for a signal. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options });
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 1));
  });
}

/**
 * Counts tests. A file that could not be loaded holds no test and still counts as one failure.
 *
 * @returns {{ passed: number, failed: number, skipped: number, files: number }}
 */
export function countResults(report) {
  const counts = { passed: 0, failed: 0, skipped: 0, files: report.testResults.length };
  for (const file of report.testResults) {
    const tests = file.assertionResults;
    for (const { status } of tests) {
      if (status === 'passed') counts.passed += 1;
      else if (status === 'failed') counts.failed += 1;
      else counts.skipped += 1;
    }
    if (file.status === 'failed' && !tests.some(({ status }) => status === 'failed')) counts.failed += 1;
  }
  return counts;
}

/** Runs vitest and resolves to its exit status and, when it wrote a report, the counts. */
export async function runVitest(args, { node = process.execPath, env = {}, stdio = 'inherit' } = {}) {
  const vitest = findVitest();
  if (vitest === undefined) throw new Error('vitest is not installed: run `npm ci` (without --omit=dev)');
  const folder = mkdtempSync(join(tmpdir(), 'sealift-test-'));
  const reportFile = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
    const path = [dirname(node), process.env.PATH ?? ''].join(delimiter);
    const status = await run(node, [vitest, 'run', ...reporters, ...args], {
      stdio,
      env: { ...process.env, PATH: path, ...env },
    });
    return { status, counts: readCounts(reportFile) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readCounts(reportFile) {
  try {
    return countResults(JSON.parse(readFileSync(reportFile, 'utf8')));
  } catch {
    return undefined;
  }
}
