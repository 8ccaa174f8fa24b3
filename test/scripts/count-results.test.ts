import { expect, it } from 'vitest';
import { countResults } from '../../scripts/vitest-run.mjs';

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((test) => ({ status: test })),
});

it('counts what passed, failed and was skipped, for whatever reason it did not run', () => {
  const testResults = [file('passed', 'passed', 'pending', 'todo'), file('failed', 'failed', 'passed', 'skipped')];
  expect(countResults({ testResults })).toEqual({ passed: 2, failed: 1, skipped: 3, files: 2 });
});

it('counts a file that could not be loaded as a failure', () => {
  expect(countResults({ testResults: [file('failed'), file('failed', 'passed')] })).toMatchObject({ failed: 2 });
});
