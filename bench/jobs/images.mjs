// P11: verifying a signed image, by bench/images.mjs.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { judge } from '../statistics.mjs';

const program = fileURLToPath(new URL('../images.mjs', import.meta.url));

export const p11 = {
  title: 'verifying a signed image, beside openssl cms -verify',
  async run(bench) {
    const size = ['--mebibytes', bench.quick ? '128' : '3072', '--rounds', String(bench.rounds)];
    const answer = execFileSync(process.execPath, [program, ...size, '--json'], { encoding: 'utf8' });
    const rows = answer
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const targets = rows
      .filter(({ name }) => !name.startsWith('openssl'))
      .map(({ name, ratio }) => judge(`${name}: times openssl`, ratio, { atLeast: 0.95 }));
    const notes = rows.map(
      ({ name, seconds, residentMebibytes }) =>
        `${name}: ${seconds.toFixed(2)} s, ${residentMebibytes.toFixed(0)} MiB.`,
    );
    return { cases: [], targets, notes };
  },
};
