// `npm test`: peers, build, type check, lint, tests, counts.
//
//   npm test                         everything
//   npm test -- --unit               no peers: leaves out test/interop
//   npm test -- --only test/scp      only test files whose path holds this text; no type check, no lint
//   npm test -- test/scp -t resume   the same; whatever else is given goes to vitest
import { installPeers } from './install-peers.mjs';
import { findVitest, root, run, runVitest } from './vitest-run.mjs';

const usage = 'usage: npm test -- [--unit] [--only FILTER]... [vitest arguments]';

function parseArguments(args) {
  const parsed = { unit: false, filtered: false, vitest: [] };
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index];
    if (arg === '--unit') parsed.unit = true;
    else if (arg === '--only') {
      const filter = args[++index];
      if (filter === undefined) throw new Error(`--only: a filter must follow\n${usage}`);
      parsed.vitest.push(filter);
      parsed.filtered = true;
    } else {
      parsed.vitest.push(arg);
      parsed.filtered = true;
    }
  }
  return parsed;
}

async function main() {
  const options = parseArguments(process.argv.slice(2));
  if (findVitest() === undefined) throw new Error('the development dependencies are missing: run `npm ci`');
  if (!options.unit) installPeers();

  const failedSteps = [];
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const step = async (title, command, args) => {
    process.stdout.write(`\n== ${title}\n`);
    if ((await run(command, args)) !== 0) failedSteps.push(title);
  };
  await step('build', process.execPath, [`${root}scripts/build.mjs`]);
  if (!options.filtered) {
    await step('type check', npm, ['run', '--silent', 'check']);
    await step('lint', npm, ['run', '--silent', 'lint']);
  }

  process.stdout.write('\n== tests\n');
  const project = options.unit ? ['--project', 'unit'] : [];
  const env = options.unit ? { SEALIFT_PEERS: 'off' } : {};
  const { status, counts } = await runVitest([...project, ...options.vitest], { env });
  if (status !== 0) failedSteps.push('tests');
  if (counts === undefined) throw new Error('vitest wrote no report');

  process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  if (counts.failed > 0 && status === 0) failedSteps.push('tests');
  if (failedSteps.length > 0) throw new Error(`failed: ${failedSteps.join(', ')}`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`test: ${error.message}\n`);
  process.exitCode = 1;
}
