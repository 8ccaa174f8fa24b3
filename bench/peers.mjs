import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const sealift = fileURLToPath(new URL('../bin/sealift', import.meta.url));

/** Where the words of a copy in the form of scp stand: from and to, one of them on the server. */
function operands({ direction, source, folder }, { remote }, host = 'server:') {
  return direction === 'up' ? [source, `${host}${remote(folder)}/`] : [`${host}${remote(source)}`, `${folder}/`];
}

const openssh = (copy, endpoint) => [
  '-q',
  '-F',
  endpoint.config,
  ...(copy.cipher === undefined ? [] : ['-c', copy.cipher]),
  ...(copy.tree ? ['-r'] : []),
];

const ssh = (copy, { config }) => `ssh -F ${config}${copy.cipher === undefined ? '' : ` -c ${copy.cipher}`}`;

/** sftp and lftp read what to do. */
function script(endpoint, name, lines) {
  const path = join(dirname(endpoint.config), name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

function sftp(copy, endpoint) {
  const verb = `${copy.direction === 'up' ? 'put' : 'get'}${copy.tree ? ' -r' : ''}`;
  const batch = script(endpoint, 'sftp-batch', [[verb, ...operands(copy, endpoint, '')].join(' ')]);
  const cipher = copy.cipher === undefined ? [] : ['-c', copy.cipher];
  return ['sftp', '-q', '-F', endpoint.config, ...cipher, '-b', batch, 'server'];
}

function lftp(copy, endpoint) {
  const [from, to] = operands(copy, endpoint, '');
  const isUp = copy.direction === 'up';
  let line = `${isUp ? 'put' : 'get'} -O ${to} ${from}`;
  if (copy.tree) line = `mirror${isUp ? ' -R' : ''} ${from} ${to}`;
  const lines = ['set cmd:fail-exit true', `set sftp:connect-program "${ssh(copy, endpoint)} -a -x"`];
  const open = `open -u ${endpoint.user},none sftp://server`;
  return ['lftp', '-f', script(endpoint, 'lftp-script', [...lines, open, line])];
}

function pscp(copy, endpoint) {
  const login = ['-P', `${endpoint.port}`, '-i', endpoint.puttyKey, '-hostkey', endpoint.fingerprint];
  const host = `${endpoint.user}@127.0.0.1:`;
  return ['pscp', '-batch', '-q', ...login, ...(copy.tree ? ['-r'] : []), ...operands(copy, endpoint, host)];
}

function rclone(copy, endpoint) {
  const login = [
    '--config=',
    '--sftp-host=127.0.0.1',
    `--sftp-port=${endpoint.port}`,
    `--sftp-user=${endpoint.user}`,
    `--sftp-key-file=${endpoint.identity}`,
    `--sftp-known-hosts-file=${endpoint.knownHosts}`,
  ];
  const [from, to] = operands(copy, endpoint, ':sftp:');
  // It copies what is in a folder, not the folder.
  return ['rclone', 'copy', '-q', ...login, from, copy.tree ? `${to}${basename(copy.source)}` : to];
}

const ours = (transport, words = []) => ({
  ours: true,
  programs: [],
  transport,
  command: (copy, endpoint, nodeOptions = []) => [
    process.execPath,
    ...nodeOptions,
    sealift,
    'scp',
    ...words,
    `--transport=${transport}`,
    ...openssh(copy, endpoint),
    ...operands(copy, endpoint),
  ],
});

/**
 * Who copies. `command` gives the words of a copy: `{ direction: 'up' | 'down', source, folder, tree, cipher }`, where the folder exists and the copy gets the source's name in it.
 * All of them with their defaults. Those with `choosesCipher: false` are left out where a cipher is asked for.
 */
const all = {
  scp: {
    programs: ['scp'],
    command: (copy, endpoint) => ['scp', ...openssh(copy, endpoint), ...operands(copy, endpoint)],
  },
  'scp -O': {
    programs: ['scp'],
    command: (copy, endpoint) => ['scp', '-O', ...openssh(copy, endpoint), ...operands(copy, endpoint)],
  },
  sftp: { programs: ['sftp'], command: sftp },
  rsync: {
    programs: ['rsync'],
    // Our server has no shell for it.
    needsShell: true,
    command: (copy, endpoint) => ['rsync', '-a', '-e', ssh(copy, endpoint), ...operands(copy, endpoint)],
  },
  pscp: { programs: ['pscp', 'puttygen'], choosesCipher: false, command: pscp },
  rclone: { programs: ['rclone'], choosesCipher: false, command: rclone },
  lftp: { programs: ['lftp'], command: lftp },
  'sealift ssh': ours('ssh'),
  'sealift builtin': ours('builtin'),
  'sealift ssh -O': { ...ours('ssh', ['-O']), isLegacy: true },
  'sealift builtin -O': { ...ours('builtin', ['-O']), isLegacy: true },
};

/** The bare pipe of ssh, into cat or out of it: what is possible with that program, whatever is spoken over it. */
export const barePipe = {
  name: 'ssh and cat',
  programs: ['ssh'],
  needsShell: true,
  command: (copy, endpoint) => {
    const target = join(copy.folder, basename(copy.source));
    const [there, here] =
      copy.direction === 'up' ? [`cat > ${target}`, `< ${copy.source}`] : [`cat ${copy.source}`, `> ${target}`];
    return ['sh', '-c', `${ssh(copy, endpoint)} server '${there}' ${here}`];
  },
};

function isInstalled(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
}

/**
 * @param wanted names, of which a dash may stand for the blank (`scp-O`, `sealift-ssh`); undefined for all. Where none of ours is named, all of ours are there.
 * @returns the peers that are installed, and the names of those that are not
 */
export function choosePeers(wanted) {
  const list = Object.entries(all).map(([name, peer]) => ({
    name,
    id: name.replace(/ -?/, '-').replace(' ', ''),
    ...peer,
  }));
  const known = new Set(list.flatMap(({ name, id }) => [name, id]));
  const unknown = wanted?.find((one) => !known.has(one));
  if (unknown !== undefined) throw new Error(`--peers: ${unknown} is none of ${list.map(({ id }) => id).join(', ')}`);
  const isNamed = ({ name, id }) => wanted.includes(name) || wanted.includes(id);
  const namesOurs = wanted !== undefined && list.some((peer) => peer.ours && isNamed(peer));
  const chosen = list.filter((peer) => wanted === undefined || isNamed(peer) || (peer.ours && !namesOurs));
  const missing = chosen.filter(({ programs }) => !programs.every(isInstalled));
  return { peers: chosen.filter((peer) => !missing.includes(peer)), missing: missing.map(({ name }) => name) };
}
