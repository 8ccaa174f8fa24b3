/**
 * Sealift as a library. What is here follows semantic versioning from 1.0 on; until then a minor version may change it.
 *
 * {@link connect} gives a {@link Host} to copy to and from, to list and to read and write by streams; {@link copy} copies once between two places. Everything below them (connections, the SCP protocol, the server) is here too.
 *
 * @example
 * import { connect } from 'sealift';
 *
 * const host = await connect({ host: 'depot.example' });
 * await host.upload('photos', 'backup/', { recursive: true, preserve: true });
 * for await (const { name, size } of host.list('backup/photos')) console.log(size, name);
 * await host.close();
 *
 * @packageDocumentation
 */
export { Accounting, type AccountingHost, type AccountingOptions } from './aaa/accounting/accounting.ts';
export type { SyncPolicy } from './aaa/accounting/json-lines-log.ts';
export type {
  Account,
  AccountedUser,
  AccountingRecord,
  AccountingStatus,
  StartRecord,
  StopRecord,
  TransferDirection,
  TransferRecord,
} from './aaa/accounting/record.ts';
export type { SyslogTarget } from './aaa/accounting/syslog.ts';
export type { SyslogFacility } from './aaa/accounting/syslog-message.ts';
export type {
  Authenticated,
  AuthenticationMethod,
  AuthenticationQuestion,
  Credential,
  Factor,
  Source,
} from './aaa/authentication.ts';
export type { AuthorizationMethod, AuthorizationQuestion, Grant } from './aaa/authorization.ts';
export type { AaaGroup } from './aaa/build-lists.ts';
export type { LocalUser } from './aaa/local-user.ts';
export { LocalUsers } from './aaa/local-users.ts';
export type { LoginGuardOptions } from './aaa/login-guard.ts';
export type { Answer, Method } from './aaa/method-list.ts';
export type { MethodLists, NamedMethodLists } from './aaa/method-words.ts';
export type { PenaltyOptions } from './aaa/penalties.ts';
export type { Principal } from './aaa/principal.ts';
export type { QuietModeOptions } from './aaa/quiet-mode.ts';
export type { RightsRule } from './aaa/rights.ts';
export { loadUsersFile } from './aaa/users-file.ts';
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
export type { FileOperation } from './base/file-operation.ts';
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
export { type RemoteEndOptions, type SentPath, serveScp } from './copy/scp-remote.ts';
export { type ScpCopyOptions, uploadByScp } from './copy/scp-upload.ts';
export type { ContentCheck, ContentPass, ContentSigner, VerifiedContent } from './files/content-check.ts';
export type { Directory, FileKind, FileStatus, FileSystem, OpenFile, OpenOptions } from './files/file-system.ts';
export { guarded } from './files/guard.ts';
export type { GuardOptions, Permit } from './files/guard-rules.ts';
export { limited } from './files/limited.ts';
export { localFileSystem } from './files/local.ts';
export { type Mount, mounts } from './files/mounts.ts';
export { dropZone, readOnly } from './files/presets.ts';
export { Room, type RoomLimits } from './files/room.ts';
export { type RootedFileSystem, rootedFileSystem } from './files/rooted.ts';
export { type StartPaths, withStartPaths } from './files/start-paths.ts';
export { connect } from './library/connect.ts';
export { copy, type Place, type PlaceCopyOptions, type RemotePlace } from './library/copy.ts';
export type { CopiedFile, Copy, CopyEvent, CopyOptions, CopyResult, FilterEntry } from './library/copy-types.ts';
export type { Entry, EntryStatus } from './library/entries.ts';
export { systemEnvironment } from './library/environment.ts';
export { CopyError, type EntryError } from './library/errors.ts';
export type { Host, OneOrMore, OperationOptions } from './library/host.ts';
export type { HostOptions } from './library/host-options.ts';
export type { LocalPath } from './library/paths.ts';
export type { ReadStreamOptions } from './library/read-stream.ts';
export { type SignatureOptions, type SignedImagesOptions, signedImages } from './library/signature.ts';
export type { WriteStreamOptions } from './library/write-stream.ts';
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
export type { AccessOptions } from './server/access.ts';
export {
  type CreateServerOptions,
  createServer,
  type EmbeddedServer,
  listen,
  loadHostKeys,
} from './server/embedded.ts';
export type { ServerEvent } from './server/events.ts';
export type { HostKey } from './server/host-keys.ts';
export type { ServerLimits } from './server/limits.ts';
export type { ListenAddress } from './server/listen-address.ts';
export type { RootMode, RootOptions, RootsView } from './server/roots.ts';
export type { RunningServer, ServerOptions } from './server/server.ts';
export type { FileUser } from './server/settings.ts';
export { connect as connectSsh } from './ssh/connect.ts';
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
