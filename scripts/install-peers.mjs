// Installs the Debian packages of the programs that the interop tests talk to, where that is allowed and possible.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';

const packages = [
  'openssh-server',
  'openssh-client',
  'openssh-tests',
  'putty-tools',
  'curl',
  'openssl',
  'lftp',
  'rclone',
  'sshfs',
  'dropbear-bin',
  'libnss-wrapper',
  'proftpd-core',
  'proftpd-mod-crypto',
  'python3-paramiko',
  'python3-asyncssh',
  'python3-scp',
  'zsh',
  'fish',
];
const policyFile = '/usr/sbin/policy-rc.d';

function say(line) {
  process.stdout.write(`peers: ${line}\n`);
}

function missingPackages() {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query fills these in
  const format = '-f=${Package} ${db:Status-Status}\n';
  const result = spawnSync('dpkg-query', ['-W', format, ...packages], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  const installed = new Set((result.stdout ?? '').split('\n').filter((line) => line.endsWith(' installed')));
  return packages.filter((name) => !installed.has(`${name} installed`));
}

function aptGet(args, timeoutMs) {
  const result = spawnSync('apt-get', ['-q', '-y', '-o', 'DPkg::Lock::Timeout=60', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: timeoutMs,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return result.status === 0;
}

/** The packages bring an SSH server; Debian's own switch keeps it from being started on this machine. */
function withoutStartingServices(action) {
  const own = !existsSync(policyFile);
  if (own) {
    writeFileSync(policyFile, '#!/bin/sh\nexit 101\n');
    chmodSync(policyFile, 0o755);
  }
  try {
    return action();
  } finally {
    if (own) rmSync(policyFile, { force: true });
  }
}

function install(missing) {
  const args = ['install', '--no-install-recommends', ...missing];
  return withoutStartingServices(() => aptGet(args, 180_000) || (aptGet(['update'], 120_000) && aptGet(args, 180_000)));
}

/** sshd started by root insists on its privilege separation folder, which a boot makes and a container lacks. */
function prepareSshd() {
  if (!existsSync('/usr/sbin/sshd') || existsSync('/run/sshd')) return;
  try {
    mkdirSync('/run/sshd', { mode: 0o755 });
  } catch (error) {
    say(`/run/sshd: could not be made (${error.code}); tests that start sshd will fail`);
  }
}

/** Makes the peers ready. Never throws for a peer that cannot be had: its tests are skipped, or fail with CI=true. */
export function installPeers() {
  const isRoot = process.getuid?.() === 0;
  const isDebian = existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');
  if (isDebian) {
    const missing = missingPackages();
    if (missing.length > 0 && !isRoot) {
      say(`not installed: ${missing.join(' ')}; for their tests run: sudo apt-get install ${missing.join(' ')}`);
    } else if (missing.length > 0) {
      say(`installing ${missing.join(' ')}`);
      if (!install(missing)) say(`could not install ${missingPackages().join(' ')}; their tests do not run`);
    }
  } else {
    say(`not a Debian system: the tests use whatever of ${packages.join(' ')} is already here`);
  }
  if (isRoot) prepareSshd();
}
