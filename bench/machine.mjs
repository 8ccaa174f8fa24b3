import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(new URL('.', import.meta.url)));

/** The first line that a program says of its version; undefined where it is not there. */
function firstLine(command, pick = /.+/) {
  const { stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
  return pick.exec(`${stdout}\n${stderr}`.replaceAll(/not found/g, ''))?.[0].trim();
}

function commit() {
  try {
    const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', 'src') === '' ? '' : ' and changes'}`;
  } catch {
    return undefined;
  }
}

/** What the figures depend on. */
export function describeMachine() {
  const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model.trim(),
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    versions: {
      sealift: [version, commit()].filter((part) => part !== undefined).join(', '),
      node: process.versions.node,
      openssh: firstLine('ssh -V', /OpenSSH.+/),
      rsync: firstLine('rsync --version', /(?<=version )\S+/),
      putty: firstLine('pscp -V', /(?<=Release )\S+/),
      rclone: firstLine('rclone version', /(?<=rclone )v\S+/),
      lftp: firstLine('lftp --version', /(?<=Version )\S+/),
      openssl: firstLine('openssl version'),
    },
  };
}
