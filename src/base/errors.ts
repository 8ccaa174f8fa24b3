import { strerror } from './strerror.ts';

/**
 * The closed set of codes an error of Sealift can carry. Errno names are used where one fits, `ERR_*` otherwise.
 * Branch on the code, never on the text.
 */
export type ErrorCode =
  | 'EACCES'
  | 'EAGAIN'
  | 'EBADF'
  | 'EBUSY'
  | 'EDQUOT'
  | 'EEXIST'
  | 'EFBIG'
  | 'EINTR'
  | 'EINVAL'
  | 'EIO'
  | 'EISDIR'
  | 'ELOOP'
  | 'EMFILE'
  | 'EMLINK'
  | 'ENAMETOOLONG'
  | 'ENFILE'
  | 'ENODEV'
  | 'ENOENT'
  | 'ENOMEM'
  | 'ENOSPC'
  | 'ENOTDIR'
  | 'ENOTEMPTY'
  | 'ENOTSUP'
  | 'ENXIO'
  | 'EOVERFLOW'
  | 'EPERM'
  | 'EPIPE'
  | 'EROFS'
  | 'ESPIPE'
  | 'ESTALE'
  | 'ETIMEDOUT'
  | 'ETXTBSY'
  | 'EXDEV'
  /** An errno of the system that has no entry above. */
  | 'ERR_FILE'
  /** The file is not of the kind the operation needs (a FIFO where a regular file must be). */
  | 'ERR_NOT_REGULAR_FILE'
  /** The file became shorter or longer while it was read. */
  | 'ERR_FILE_CHANGED'
  /** The copy is not the same as its source. */
  | 'ERR_VERIFY'
  /** The peer broke the rules of the protocol. */
  | 'ERR_PROTOCOL'
  /** A name from the peer is empty, `.`, `..`, or holds a slash or a NUL. */
  | 'ERR_UNSAFE_NAME'
  /** The peer sent something that was not asked for. */
  | 'ERR_NOT_REQUESTED'
  /** The peer reported a failure in words of its own. */
  | 'ERR_REMOTE'
  /** The connection ended before the work was done. */
  | 'ERR_CONNECTION_LOST'
  /** This side has closed the connection. */
  | 'ERR_CLOSED'
  /** No connection could be made. */
  | 'ERR_CONNECT'
  /** The two sides share no algorithm. */
  | 'ERR_NO_COMMON_ALGORITHM'
  /** The peer's host key is unknown, changed or revoked, or could not be checked. */
  | 'ERR_HOST_KEY'
  /** The peer refused every credential. */
  | 'ERR_AUTHENTICATION'
  /** A time limit passed. */
  | 'ERR_TIMEOUT'
  /** The server does not offer what was asked of it (a subsystem, exec). */
  | 'ERR_NOT_OFFERED'
  /** A key, certificate or configuration file cannot be used. */
  | 'ERR_CONFIG'
  /** The user may not do this. */
  | 'ERR_ACCESS'
  /** A bound was exceeded (depth, count, length). */
  | 'ERR_LIMIT'
  | ImageErrorCode;

/** Why an image, an envelope, a key or a key storage is refused. */
export type ImageErrorCode =
  /** There is no signature envelope. */
  | 'ERR_IMAGE_UNSIGNED'
  /** The footer is damaged, or its lengths do not add up to the size of the file. */
  | 'ERR_IMAGE_FOOTER'
  /** The envelope is not DER. */
  | 'ERR_IMAGE_DER'
  /** The envelope is DER, and not what the format allows. */
  | 'ERR_IMAGE_ENVELOPE'
  /** An algorithm that is not allowed, or not the one of the key. */
  | 'ERR_IMAGE_ALGORITHM'
  /** A certificate that cannot be read, or is not the one that was signed with. */
  | 'ERR_IMAGE_CERTIFICATE'
  /** The signed description of the image breaks its schema. */
  | 'ERR_IMAGE_INFO'
  /** The payload is not what was signed. */
  | 'ERR_IMAGE_DIGEST'
  /** A signature is wrong. */
  | 'ERR_IMAGE_SIGNATURE'
  /** No key of the key storage has signed it. */
  | 'ERR_IMAGE_UNKNOWN_KEY'
  /** The key that has signed it is revoked. */
  | 'ERR_IMAGE_REVOKED_KEY'
  /** The key may not sign images of this type. */
  | 'ERR_IMAGE_KEY_TYPE'
  /** Too few of its signers count. */
  | 'ERR_IMAGE_SIGNERS'
  /** It is for another product. */
  | 'ERR_IMAGE_PRODUCT'
  /** Its security counter is lower than one that was seen before. */
  | 'ERR_IMAGE_COUNTER'
  /** The policy does not take images of this type, or this size, or for this loader. */
  | 'ERR_IMAGE_POLICY'
  /** Both copies of a key storage are unusable, or it contradicts what cannot be undone. */
  | 'ERR_KEY_STORAGE'
  /** Another process is changing the key storage. */
  | 'ERR_KEY_STORAGE_BUSY'
  /** A key has no proof that it came from who may introduce it. */
  | 'ERR_KEY_PROOF'
  /** A key version that is closed, too low, or used with another key. */
  | 'ERR_KEY_VERSION'
  /** The running image may not do this to the key storage. */
  | 'ERR_KEY_WRONG_IMAGE'
  /** There is no newer key that would take the place of the one to revoke. */
  | 'ERR_KEY_NO_NEWER'
  /** The key to revoke is needed by something that must start again. */
  | 'ERR_KEY_IN_USE'
  /** The image brings no key of this type. */
  | 'ERR_KEY_NOT_BUNDLED';

/** What every error of Sealift has in common: a message `path: reason` in lower case, and a code. */
export abstract class SealiftError extends Error {
  readonly code: ErrorCode;
  /** A sentence that tells the user what to do, when there is one. */
  readonly cure: string | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions & { cure?: string | undefined } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.cure = options.cure;
  }
}

/** The peer broke the rules of a protocol. The stream cannot be trusted any further. */
export class ProtocolError extends SealiftError {
  constructor(
    message: string,
    options: ErrorOptions & {
      code?: 'ERR_PROTOCOL' | 'ERR_UNSAFE_NAME' | 'ERR_NOT_REQUESTED' | 'ERR_LIMIT';
      cure?: string;
    } = {},
  ) {
    super(options.code ?? 'ERR_PROTOCOL', message, options);
  }
}

/** The peer reported a failure. `text` is the peer's own text, made printable. */
export class RemoteError extends SealiftError {
  readonly text: string;

  constructor(text: string, options: ErrorOptions & { cure?: string } = {}) {
    super('ERR_REMOTE', text, options);
    this.text = text;
  }
}

/** One file could not be read, written or changed. Other files are not affected. */
export class FileError extends SealiftError {
  readonly path: string;
  readonly operation: string;
  /** The reason alone, worded as strerror(3) does. */
  readonly reason: string;

  constructor(
    path: string,
    operation: string,
    code: ErrorCode,
    options: ErrorOptions & { reason?: string | undefined; cure?: string } = {},
  ) {
    const reason = options.reason ?? strerror(code) ?? code;
    super(code, `${path}: ${reason}`, options);
    this.path = path;
    this.operation = operation;
    this.reason = reason;
  }

  /** Wraps whatever a file-system call threw. A FileError passes unchanged. */
  static from(cause: unknown, path: string, operation: string): FileError {
    if (cause instanceof FileError) return cause;
    const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
    const known = errno !== undefined ? strerror(errno) : undefined;
    if (errno !== undefined && known !== undefined)
      return new FileError(path, operation, errno as ErrorCode, { cause });
    // Node's own message names the system's path, which a peer must not learn: the errno alone is told.
    const reason =
      errno === undefined ? 'unknown error' : errno === 'ERR_INVALID_ARG_VALUE' ? 'Invalid argument' : errno;
    return new FileError(path, operation, 'ERR_FILE', { cause, reason });
  }
}

/** What was going on when a connection failed. */
export type ConnectionPhase = 'resolve' | 'connect' | 'handshake' | 'host key' | 'authentication' | 'open' | 'transfer';

/** No connection could be made, or it was lost. */
export class ConnectionError extends SealiftError {
  readonly host: string;
  readonly phase: ConnectionPhase;

  constructor(
    host: string,
    phase: ConnectionPhase,
    reason: string,
    options: ErrorOptions & { code?: ErrorCode; cure?: string | undefined } = {},
  ) {
    super(options.code ?? 'ERR_CONNECT', `${host}: ${reason}`, options);
    this.host = host;
    this.phase = phase;
  }
}

/** Authentication or authorization was refused, or could not be decided (which refuses too). */
export class AccessError extends SealiftError {
  constructor(
    message: string,
    options: ErrorOptions & { code?: 'ERR_ACCESS' | 'ERR_AUTHENTICATION'; cure?: string } = {},
  ) {
    super(options.code ?? 'ERR_ACCESS', message, options);
  }
}

/** An image, an envelope, a key or a key storage is refused. Nothing was changed. */
export class ImageError extends SealiftError {
  /** The name of what is refused, as it was given; empty where bytes came without one. */
  readonly subject: string;
  /** The reason alone. */
  readonly reason: string;

  constructor(subject: string, code: ImageErrorCode, reason: string, options: ErrorOptions & { cure?: string } = {}) {
    super(code, subject === '' ? reason : `${subject}: ${reason}`, options);
    this.subject = subject;
    this.reason = reason;
  }
}
