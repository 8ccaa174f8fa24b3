import type { SessionReport, TransferReport } from '../../server/control/protocol.ts';
import type { RunningServer } from '../../server/server.ts';

/** Who is connected to a server. @param prefix of the numbers: which of several processes it is */
export function sessionReports(server: RunningServer, prefix = ''): readonly SessionReport[] {
  return server.sessions().map((session) => ({ ...session, id: `${prefix}${session.id}` }));
}

/** What a server moves. @param prefix as in {@link sessionReports} */
export function transferReports(server: RunningServer, prefix = ''): readonly TransferReport[] {
  return server.transfers().map(({ id, connection, service, direction, path, startedAtMs, ...rest }) => ({
    id: `${prefix}${id}`,
    session: `${prefix}${connection.id}`,
    address: connection.address,
    ...(connection.user === undefined ? {} : { user: connection.user }),
    service,
    direction,
    path,
    startedAtMs,
    bytes: rest.bytes,
    file: rest.file,
    fileBytes: rest.fileBytes,
    fileSize: rest.fileSize,
  }));
}
