// A delay proxy in a process of its own, so that it takes no time of the programs': `node bench/proxy/proxy-process.mjs OPTIONS`, started by start-proxy.mjs.
import { startDelayProxy } from './delay-proxy.mjs';

const proxy = await startDelayProxy(JSON.parse(process.argv[2]));
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ ...proxy.stats, processorSeconds: (user + system) / 1e6 });
});
process.on('disconnect', () => process.exit());
process.send(proxy.port);
