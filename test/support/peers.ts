import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, it, type TestContext } from 'vitest';

/** A program or folder of another project that an interop test talks to. */
export interface Peer {
  /** What a person calls it: `sshd`. */
  readonly name: string;
  /** The Debian package that brings it; absent when Debian has none, and then its absence is never a failure. */
  readonly debianPackage?: string;
  /** A command searched on PATH and in the system's folders, or an absolute path to a program or a folder. */
  readonly command: string;
}

/** sshd and friends live outside an ordinary user's PATH. */
const systemFolders = ['/usr/sbin', '/sbin', '/usr/local/sbin', '/usr/bin', '/bin', '/usr/local/bin'];

const peers = {
  ssh: { name: 'ssh', debianPackage: 'openssh-client', command: 'ssh' },
  scp: { name: 'scp', debianPackage: 'openssh-client', command: 'scp' },
  sftp: { name: 'sftp', debianPackage: 'openssh-client', command: 'sftp' },
  'ssh-keygen': { name: 'ssh-keygen', debianPackage: 'openssh-client', command: 'ssh-keygen' },
  'ssh-agent': { name: 'ssh-agent', debianPackage: 'openssh-client', command: 'ssh-agent' },
  'ssh-add': { name: 'ssh-add', debianPackage: 'openssh-client', command: 'ssh-add' },
  sshd: { name: 'sshd', debianPackage: 'openssh-server', command: 'sshd' },
  'sftp-server': {
    name: 'sftp-server',
    debianPackage: 'openssh-sftp-server',
    command: '/usr/lib/openssh/sftp-server',
  },
  'openssh-regress': {
    name: 'openssh-regress',
    debianPackage: 'openssh-tests',
    command: '/usr/lib/openssh/regress',
  },
  pscp: { name: 'pscp', debianPackage: 'putty-tools', command: 'pscp' },
  psftp: { name: 'psftp', debianPackage: 'putty-tools', command: 'psftp' },
  plink: { name: 'plink', debianPackage: 'putty-tools', command: 'plink' },
  puttygen: { name: 'puttygen', debianPackage: 'putty-tools', command: 'puttygen' },
  curl: { name: 'curl', debianPackage: 'curl', command: 'curl' },
  openssl: { name: 'openssl', debianPackage: 'openssl', command: 'openssl' },
  lftp: { name: 'lftp', debianPackage: 'lftp', command: 'lftp' },
  rclone: { name: 'rclone', debianPackage: 'rclone', command: 'rclone' },
  sshfs: { name: 'sshfs', debianPackage: 'sshfs', command: 'sshfs' },
  dropbear: { name: 'dropbear', debianPackage: 'dropbear-bin', command: 'dropbear' },
  dropbearconvert: { name: 'dropbearconvert', debianPackage: 'dropbear-bin', command: 'dropbearconvert' },
  dbclient: { name: 'dbclient', debianPackage: 'dropbear-bin', command: 'dbclient' },
  'nss-wrapper': {
    name: 'nss-wrapper',
    debianPackage: 'libnss-wrapper',
    // The library itself is in a folder named after the machine.
    command: '/usr/share/doc/libnss-wrapper',
  },
  proftpd: { name: 'proftpd', debianPackage: 'proftpd-core', command: 'proftpd' },
  'proftpd-mod-sftp': {
    name: 'proftpd-mod-sftp',
    debianPackage: 'proftpd-mod-crypto',
    // The module itself is not marked as executable.
    command: '/usr/share/doc/proftpd-mod-crypto',
  },
  /** Debian's own: another one on PATH does not have its modules. */
  python3: { name: 'python3', debianPackage: 'python3-minimal', command: '/usr/bin/python3' },
  'python3-paramiko': {
    name: 'python3-paramiko',
    debianPackage: 'python3-paramiko',
    command: '/usr/lib/python3/dist-packages/paramiko',
  },
  'python3-asyncssh': {
    name: 'python3-asyncssh',
    debianPackage: 'python3-asyncssh',
    command: '/usr/lib/python3/dist-packages/asyncssh',
  },
  'python3-scp': {
    name: 'python3-scp',
    debianPackage: 'python3-scp',
    command: '/usr/share/doc/python3-scp',
  },
  zsh: { name: 'zsh', debianPackage: 'zsh', command: 'zsh' },
  fish: { name: 'fish', debianPackage: 'fish', command: 'fish' },
} as const satisfies Record<string, Peer>;

/** The peers that `npm test` installs where it may. */
export type KnownPeer = keyof typeof peers;

/** A known peer by name, or a description of one that only a single test needs. */
export type PeerRequest = KnownPeer | Peer;

/** What the environment says about peers: asked once per call, so a test can hand in its own. */
export interface PeerEnvironment {
  readonly CI?: string | undefined;
  readonly PATH?: string | undefined;
  /** `off` under `npm test -- --unit`: every peer counts as absent and that is no failure. */
  readonly SEALIFT_PEERS?: string | undefined;
}

/** How the tests that need some peers are to run. */
export type PeerVerdict =
  | { readonly kind: 'run' }
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'fail'; readonly reason: string };

function describePeerRequest(request: PeerRequest): Peer {
  return typeof request === 'string' ? peers[request] : request;
}

function isUsable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isProgram(path: string): boolean {
  return isUsable(path) && statSync(path).isFile();
}

/** The absolute path of a peer, or undefined when this machine does not have it. */
export function findPeer(request: PeerRequest, environment: PeerEnvironment = process.env): string | undefined {
  if (environment.SEALIFT_PEERS === 'off') return undefined;
  const { command } = describePeerRequest(request);
  if (command.startsWith('/')) return isUsable(command) ? command : undefined;
  const folders = [...(environment.PATH ?? '').split(delimiter).filter(Boolean), ...systemFolders];
  return folders.map((folder) => join(folder, command)).find(isProgram);
}

/** Whether a peer is on this machine. */
export function hasPeer(request: PeerRequest, environment: PeerEnvironment = process.env): boolean {
  return findPeer(request, environment) !== undefined;
}

/**
 * The absolute path of a peer that the test at hand cannot do without.
 *
 * @throws Error naming the Debian package when the peer is absent.
 */
export function needsPeer(request: PeerRequest, environment: PeerEnvironment = process.env): string {
  const path = findPeer(request, environment);
  if (path === undefined) throw new Error(missing([describePeerRequest(request)]));
  return path;
}

function missing(absent: readonly Peer[]): string {
  const parts = absent.map((peer) =>
    peer.debianPackage === undefined
      ? `${peer.name} (not packaged by Debian)`
      : `${peer.name} (Debian package ${peer.debianPackage})`,
  );
  return `missing peer: ${parts.join(', ')}`;
}

/** Decides whether tests that need these peers run, are skipped, or fail because CI must have the peers. */
export function peerVerdict(requests: readonly PeerRequest[], environment: PeerEnvironment = process.env): PeerVerdict {
  if (environment.SEALIFT_PEERS === 'off') return { kind: 'skip', reason: 'peers are off in a unit run' };
  const absent = requests.map(describePeerRequest).filter((peer) => !hasPeer(peer, environment));
  if (absent.length === 0) return { kind: 'run' };
  const reason = missing(absent);
  const required = absent.filter((peer) => peer.debianPackage !== undefined);
  const isCi = environment.CI === 'true' || environment.CI === '1';
  if (!isCi || required.length === 0) return { kind: 'skip', reason };
  const packages = [...new Set(required.map((peer) => peer.debianPackage))].join(' ');
  return { kind: 'fail', reason: `${reason}; CI runs every peer that Debian packages: apt-get install ${packages}` };
}

function asList(requests: PeerRequest | readonly PeerRequest[]): readonly PeerRequest[] {
  return Array.isArray(requests) ? (requests as readonly PeerRequest[]) : [requests as PeerRequest];
}

/**
 * `describe` for tests that need peers. Without them the tests are skipped, the reason is in the title and each test
 * is counted; with CI=true a missing peer that Debian packages is one failing test that names the package.
 *
 * @example describePeer(['sshd', 'pscp'], 'pscp against our server', () => { it('sends a file', …); });
 */
export function describePeer(requests: PeerRequest | readonly PeerRequest[], title: string, body: () => void): void {
  const verdict = peerVerdict(asList(requests));
  switch (verdict.kind) {
    case 'run':
      describe(title, body);
      break;
    case 'skip':
      describe.skip(`${title} [skipped: ${verdict.reason}]`, body);
      break;
    case 'fail':
      describe(title, () => {
        it('has its peers', () => {
          throw new Error(verdict.reason);
        });
      });
      break;
    default:
      verdict satisfies never;
  }
}

/** `it` for one test that needs peers; see {@link describePeer}. The time limit is vitest's own unless `timeoutMs` says otherwise. */
export function itPeer(
  requests: PeerRequest | readonly PeerRequest[],
  title: string,
  body: (context: TestContext) => void | Promise<void>,
  timeoutMs?: number,
): void {
  const verdict = peerVerdict(asList(requests));
  switch (verdict.kind) {
    case 'run':
      it(title, body, timeoutMs);
      break;
    case 'skip':
      it(title, (context) => context.skip(verdict.reason));
      break;
    case 'fail':
      it(title, () => {
        throw new Error(verdict.reason);
      });
      break;
    default:
      verdict satisfies never;
  }
}
