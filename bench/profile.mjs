// What took the most of a profile that `--cpu-prof` wrote: `node bench/profile.mjs FILE [LINES]`.
import { readFileSync } from 'node:fs';

const [file, lines = '30'] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: node bench/profile.mjs FILE [LINES]');
const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8'));
const byId = new Map(nodes.map((node) => [node.id, node]));
const own = new Map();
let total = 0;
for (const [index, id] of samples.entries()) {
  const { functionName, url, lineNumber } = byId.get(id).callFrame;
  const place = url === '' ? '' : ` ${url.split('/').slice(-3).join('/')}:${lineNumber + 1}`;
  const name = `${functionName || '(anonymous)'}${place}`;
  own.set(name, (own.get(name) ?? 0) + timeDeltas[index]);
  total += timeDeltas[index];
}
console.log(
  `${(total / 1e6).toFixed(2)} s; (program) is what Node does outside of JavaScript, such as ciphers and system calls`,
);
for (const [name, microseconds] of [...own].sort(([, one], [, other]) => other - one).slice(0, Number(lines)))
  console.log(
    `${((microseconds / total) * 100).toFixed(1).padStart(5)} %  ${(microseconds / 1000).toFixed(0).padStart(7)} ms  ${name}`,
  );
