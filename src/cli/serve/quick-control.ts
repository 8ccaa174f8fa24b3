import type { StatusReport } from '../../server/control/protocol.ts';
import { ControlServer, type ControlTarget } from '../../server/control/server.ts';
import type { RunningServer } from '../../server/server.ts';
import { version } from '../version.ts';
import { sessionReports, transferReports } from './reports.ts';

/** Lets `sealift serve status|sessions|transfers|kick --state DIR` look at a server without a configuration file. @throws {FileError} as {@link ControlServer.open} */
export async function openQuickControl(state: string, server: RunningServer): Promise<ControlServer> {
  const startedAtMs = Date.now();
  const target: ControlTarget = {
    status: async () => statusOf(server, startedAtMs),
    sessions: async () => sessionReports(server),
    transfers: async () => transferReports(server),
    kick: async (id) => server.kick(Number(id)),
  };
  return await ControlServer.open(state, target);
}

function statusOf(server: RunningServer, startedAtMs: number): StatusReport {
  return {
    program: `sealift ${version()}`,
    pid: process.pid,
    startedAtMs,
    configFile: 'none: one folder, one user',
    addresses: server.addresses,
    workers: 1,
    connections: server.connections,
    sessions: server.sessions().filter(({ user }) => user !== undefined).length,
    transfers: server.transfers().length,
    moved: server.moved,
  };
}
