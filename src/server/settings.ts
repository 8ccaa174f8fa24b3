import type { RootedFileSystem } from '../files/rooted.ts';
import type { AccessOptions } from './access.ts';
import type { HostKey } from './host-keys.ts';
import type { ServerLimits } from './limits.ts';
import type { RootOptions, RootsView } from './roots.ts';

/** Somebody who has logged in, as far as files are concerned. */
export interface FileUser {
  readonly user: string;
}

/** What of a server can be changed while it runs. */
export interface ServerSettings extends AccessOptions {
  /** From {@link loadHostKeys}. */
  readonly hostKeys: readonly HostKey[];
  /** The folder that users see as `/`. Nothing outside it can be reached. Instead of `roots`. */
  readonly root?: string | undefined;
  /** Folders with modes, quotas and prefixes. Where there are several, users see each as `/name`. Instead of `root`. */
  readonly roots?: readonly RootOptions[] | undefined;
  /** How many processes serve the same roots: a quota holds for all of them. Default 1. */
  readonly processes?: number | undefined;
  /** How somebody sees the roots who has logged in. Asked once for each connection. Default: all of them. Rights hold besides. */
  readonly viewFor?: ((user: FileUser) => RootsView) | undefined;
  /** Files of one's own for somebody who has logged in, instead of `root` and `roots`. Asked once for each connection. Rights hold besides. */
  readonly fileSystemFor?: ((user: FileUser) => RootedFileSystem) | undefined;
  readonly limits?: Partial<ServerLimits> | undefined;
  /** Whether a file is on stable storage before its upload is confirmed. Default true; false is for files that nobody would miss. */
  readonly durable?: boolean | undefined;
  /** Which services are offered. Default: all. One that is not answers `Administratively disabled.` */
  readonly services?: { readonly scp?: boolean | undefined; readonly sftp?: boolean | undefined } | undefined;
  /** Shown to clients before they log in. */
  readonly banner?: string | undefined;
  /** Networks whose clients are offered old algorithms too: diffie-hellman-group14-sha1, ssh-rsa, aes-cbc, hmac-sha1. Default none. */
  readonly legacyFrom?: readonly string[] | undefined;
}
