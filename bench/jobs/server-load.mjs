// P9: what our server holds (the jobs of bench/server), and logins per second beside sshd.
import { readFileSync } from 'node:fs';
import ssh2 from 'ssh2';
import { inParallel, leave, logIn } from '../server/clients.mjs';
import { jobs } from '../server/jobs.mjs';
import { startServer } from '../server/server-process.mjs';
import { judge, median, turned } from '../statistics.mjs';

/** sshd refuses some from the tenth on that has not logged in yet. */
const WIDTH = 8;
const TICKS_PER_SECOND = 100;

/** Seconds of the processor that a process and those that it has waited for took. */
function processorSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
}

async function logins(login, pid, count) {
  const before = processorSeconds(pid);
  const started = performance.now();
  await inParallel(count, WIDTH, async () => await leave(await logIn(login)));
  const seconds = (performance.now() - started) / 1000;
  // sshd's processes end a little later than their connections.
  await new Promise((resolve) => setTimeout(resolve, 300));
  return { perSecond: count / seconds, processorMs: ((processorSeconds(pid) - before) / count) * 1000 };
}

async function loginRates(bench) {
  const count = bench.quick ? 40 : 400;
  const key = ssh2.utils.parseKey(readFileSync(bench.identity));
  if (key instanceof Error) throw key;
  const ours = await startServer({ unauthenticated: 1000, unauthenticatedPerSource: 1000 });
  try {
    const servers = [
      {
        name: 'sshd',
        pid: bench.sshd.pid,
        login: {
          host: '127.0.0.1',
          port: bench.sshd.port,
          username: bench.sshd.user,
          privateKey: readFileSync(bench.identity),
        },
      },
      { name: 'ours', pid: ours.pid, login: ours.login },
    ];
    const runs = new Map(servers.map(({ name }) => [name, []]));
    for (let round = 0; round < bench.rounds; round += 1) {
      for (const { name, login, pid } of turned(servers, round)) {
        runs.get(name).push(await logins(login, pid, count));
        bench.say(`  logins · ${name}: ${runs.get(name).at(-1).perSecond.toFixed(0)} in a second`);
      }
    }
    const of = (name, what) => median(runs.get(name).map((run) => run[what]));
    return { ratio: of('ours', 'perSecond') / of('sshd', 'perSecond'), of };
  } finally {
    await ours.stop();
  }
}

export const p9 = {
  title: 'our server under load',
  async run(bench) {
    const share = bench.quick ? 0.05 : 1;
    const targets = [];
    for (const name of ['transfers', 'idle', 'slow']) {
      for (const { what, value, limit, unit } of await jobs[name](share)) {
        targets.push(judge(what, value, { atMost: limit }, unit));
        bench.say(`  ${what}: ${value.toFixed(1)} ${unit}`);
      }
    }
    const { ratio, of } = await loginRates(bench);
    targets.push(judge('logins per second: times sshd', ratio, { atLeast: 1 }));
    const rate = (name) =>
      `${name} ${of(name, 'perSecond').toFixed(0)} in a second, ${of(name, 'processorMs').toFixed(1)} ms of the processor each`;
    const notes = [
      `Logins, ${WIDTH} at a time, by one client that takes its part of the machine: ${rate('sshd')}; ${rate('ours')}.`,
    ];
    return { cases: [], targets, notes };
  },
};
