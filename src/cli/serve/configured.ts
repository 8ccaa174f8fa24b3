import cluster from 'node:cluster';
import { mkdir } from 'node:fs/promises';
import { FileError } from '../../base/errors.ts';
import { prepareConfig, readConfigFile } from '../../server/config/prepare.ts';
import { loadHostKeys } from '../../server/host-keys.ts';
import { formatListenAddress } from '../../server/listen-address.ts';
import type { Reporter } from '../report.ts';
import { ClusterFleet } from './cluster-fleet.ts';
import type { Deployment, Fleet } from './fleet.ts';
import { inheritedSockets } from './inherited.ts';
import type { ServerLog } from './log.ts';
import { Operation } from './operation.ts';
import type { ConfiguredOptions } from './options.ts';
import { serveSignals } from './serve-signals.ts';
import { openAccounting, openLog, Service } from './service.ts';

/** Serves what a configuration file says until a signal. @returns the exit status */
export async function serveConfigured(options: ConfiguredOptions, reporter: Reporter): Promise<number> {
  const inherited = inheritedSockets();
  const { config: file, defaultState, verbose } = options;
  const read = async (): Promise<Deployment> => {
    const text = await readConfigFile(file);
    return { prepared: await prepareConfig(text, file, defaultState), text, inherited, verbose };
  };
  const first = await read();
  const signals = serveSignals(() => endAtOnce());
  try {
    const { state, settings } = first.prepared;
    await makeStateFolder(state);
    if (settings.hostKeys.length === 0)
      for (const path of (await loadHostKeys(state)).made) reporter.note(`new host key ${path}`);
    const { fleet, log } = await startFleet(first, defaultState);
    const operation = new Operation({ deployment: first, fleet, log, read });
    try {
      await operation.open();
      for (const address of fleet.addresses) process.stdout.write(`listening on ${formatListenAddress(address)}\n`);
      signals.onReload(() => void operation.reload());
      const signal = await signals.stopped;
      log.note('info', `stopping after ${signal}; transfers have ${operation.graceMs / 1000} s`, { event: 'stopping' });
    } finally {
      await operation.close();
    }
    log.note('info', 'stopped', { event: 'stopped' });
    log.flush();
    return 0;
  } finally {
    signals.release();
  }
}

async function startFleet(deployment: Deployment, defaultState: string): Promise<{ fleet: Fleet; log: ServerLog }> {
  const log = await openLog(deployment);
  await recoverAccounting(deployment, log);
  if (deployment.prepared.config.workers === 1) {
    log.close();
    const service = await Service.start(deployment);
    return { fleet: service, log: service.log };
  }
  const fleet = await ClusterFleet.start(deployment, {
    defaultState,
    note: (level, message) => log.note(level, message, { event: 'worker' }),
    onExit: () => {
      recoverAccounting(deployment, log).catch((error: unknown) =>
        log.note('error', `accounting: ${error instanceof Error ? error.message : String(error)}`, {
          event: 'warning',
        }),
      );
    },
  });
  return { fleet, log };
}

/** Writes the stop records that a killed server owes, before anybody begins new ones. */
async function recoverAccounting(deployment: Deployment, log: ServerLog): Promise<void> {
  const accounting = openAccounting(deployment, log, true);
  try {
    const count = await accounting.recover();
    if (count > 0)
      log.note('warn', `${count} stop records of an earlier process were written`, { event: 'recovered', count });
  } finally {
    accounting.close();
    log.flush();
  }
}

/** A second signal: nobody waits any longer. */
function endAtOnce(): never {
  for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL');
  process.exit(1);
}

async function makeStateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw FileError.from(cause, path, 'mkdir');
  }
}
