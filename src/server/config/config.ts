import type { SyslogFacility } from '../../aaa/accounting/syslog-message.ts';
import type { FileOperation } from '../../base/file-operation.ts';
import type { ServerLimits } from '../limits.ts';
import type { ListenAddress } from '../listen-address.ts';
import type { RootMode } from '../roots.ts';

/*
 * What a configuration file says, with its defaults filled in. Paths are as written; they begin at the folder of the file. Times are milliseconds, sizes bytes. schema.ts says what each
 * field is for; the two are compared by the compiler.
 */

export interface ServeConfig {
  readonly state: string | undefined;
  readonly listen: readonly ListenAddress[];
  readonly hostKeys: readonly string[];
  readonly banner: string | undefined;
  readonly bannerFile: string | undefined;
  readonly services: ServicesConfig;
  readonly durable: boolean;
  readonly roots: readonly RootConfig[];
  readonly users: readonly UserConfig[];
  readonly usersFile: string | undefined;
  readonly rights: readonly RightsRuleConfig[];
  readonly aaa: AaaConfig;
  readonly limits: ServerLimits;
  readonly algorithms: AlgorithmsConfig;
  readonly log: LogConfig;
  readonly accounting: AccountingConfig;
  readonly metrics: MetricsConfig;
  readonly workers: number;
  readonly grace: number;
}

export interface ServicesConfig {
  readonly scp: boolean;
  readonly sftp: boolean;
}

export interface RootConfig {
  readonly name: string;
  readonly path: string;
  readonly prefix: string | undefined;
  readonly mode: RootMode;
  readonly quota: number | undefined;
  readonly maxEntries: number | undefined;
  readonly keepFree: number | undefined;
  readonly accept: 'anything' | 'signed';
  readonly keys: string | undefined;
  readonly nvram: string | undefined;
  readonly product: string | undefined;
  readonly types: readonly SignedType[];
}

/** What a signed image may be, in the words of its signature. */
export type SignedType = 'production' | 'special' | 'revocation' | 'rommon.production' | 'rommon.special';

export type CredentialName = 'publickey' | 'password';

export interface UserConfig {
  readonly name: string;
  readonly privilege: number;
  readonly groups: readonly string[];
  readonly passwordHash: string | undefined;
  readonly authorizedKeys: readonly string[];
  readonly authorizedKeysFile: string | undefined;
  readonly require: readonly CredentialName[];
  readonly roots: readonly string[];
  readonly home: string | undefined;
  readonly disabled: boolean;
}

export interface RightsRuleConfig {
  readonly users: readonly string[];
  readonly groups: readonly string[];
  readonly privilege: number | undefined;
  readonly paths: readonly string[];
  readonly allow: readonly FileOperation[];
}

/** One method of a list, in Cisco's words. */
export type MethodName = 'local' | 'none' | 'if-authenticated' | 'group tacacs+' | 'group radius';

export interface AaaConfig {
  readonly authentication: { readonly login: readonly MethodName[] };
  readonly authorization: {
    readonly exec: readonly MethodName[] | undefined;
    readonly commands: readonly MethodName[] | undefined;
  };
  readonly accounting: { readonly exec: readonly MethodName[]; readonly commands: readonly MethodName[] };
  readonly blockFor: { readonly time: number; readonly attempts: number; readonly within: number };
  readonly penalties: {
    readonly enabled: boolean;
    readonly free: number;
    readonly first: number;
    readonly longest: number;
    readonly forget: number;
  };
  readonly exempt: readonly string[];
}

export interface AlgorithmsConfig {
  readonly profile: 'default';
  readonly legacy: { readonly from: readonly string[] };
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

export interface LogConfig {
  readonly level: LogLevel;
  readonly format: 'auto' | 'json' | 'text';
  readonly file: string | undefined;
}

/** A syslog server. */
export interface SyslogServerConfig {
  readonly host: string;
  readonly port: number;
  readonly protocol: 'udp' | 'tcp';
}

export interface AccountingConfig {
  readonly file: string | undefined;
  readonly syslog: readonly SyslogServerConfig[];
  readonly facility: SyslogFacility;
}

export interface MetricsConfig {
  readonly listen: ListenAddress | undefined;
  readonly public: boolean;
}
