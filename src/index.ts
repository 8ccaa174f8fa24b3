/**
 * Sealift as a library. What is here follows semantic versioning from 1.0 on; until then a minor version may change it.
 *
 * @example
 * const connection = await connect({ host: 'depot.example' }, { environment: { home: homedir(), user: userInfo().username, path: process.env.PATH } });
 * const target = { kind: 'remote', host: 'depot.example', path: 'backup/' } as const;
 * const failures = await uploadByScp(connection, localFileSystem(), ['photos'], target, {
 *   host: target.host, recursive: true, preserve: true, verbose: false, targetIsDirectory: false, observer: silentObserver,
 * });
 * await connection.close();
 *
 * @packageDocumentation
 */
export {
  AccessError,
  ConnectionError,
  type ConnectionPhase,
  type ErrorCode,
  FileError,
  ProtocolError,
  RemoteError,
  SealiftError,
} from './base/errors.ts';
export { type Log, silentLog } from './base/log.ts';
export { printable } from './base/printable.ts';
export {
  describeLocation,
  type LocalLocation,
  type Location,
  OperandError,
  parseLocation,
  type RemoteLocation,
} from './copy/location.ts';
export { type CopyObserver, type FilePaths, type FileProgress, silentObserver } from './copy/observer.ts';
export { RateLimit } from './copy/rate-limit.ts';
export { downloadByScp, type ScpDownloadOptions } from './copy/scp-download.ts';
export { type RemoteEndOptions, serveScp } from './copy/scp-remote.ts';
export { type ScpCopyOptions, uploadByScp } from './copy/scp-upload.ts';
export type { Directory, FileKind, FileStatus, FileSystem, OpenFile, OpenOptions } from './files/file-system.ts';
export { localFileSystem } from './files/local.ts';
export { rootedFileSystem } from './files/rooted.ts';
export { remoteCommandLine, type ScpCommand } from './scp/command.ts';
export { type Reply, ScpLink, type Trace } from './scp/link.ts';
export { type ControlRecord, encodeRecord, parseRecord } from './scp/record.ts';
export {
  type IncomingEntry,
  type IncomingFile,
  runSink,
  type SinkFile,
  type SinkOptions,
  type SinkReceiver,
  type SinkResult,
} from './scp/sink.ts';
export { type EntryTimes, ScpSource, type SourceEntry, type SourceFile } from './scp/source.ts';
export type { ServerEvent } from './server/events.ts';
export { type HostKey, loadHostKeys } from './server/host-keys.ts';
export type { ServerLimits } from './server/limits.ts';
export { type ListenAddress, listen, type RunningServer, type ServerOptions } from './server/server.ts';
export type { ServerUser } from './server/users.ts';
export { connect } from './ssh/connect.ts';
export type {
  ChannelOptions,
  Prompter,
  SshChannel,
  SshConnection,
  SshCredentials,
  SshExit,
  SshTarget,
} from './ssh/connection.ts';
export type { ConnectOptions, SshEnvironment, Transport } from './ssh/options.ts';
