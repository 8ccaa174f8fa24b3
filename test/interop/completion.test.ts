import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describePeer } from '../support/peers.ts';
import { type Outcome, runProgram, runSealift, sealiftLauncher } from '../support/sealift.ts';
import { type RunningSshd, startSshd } from '../support/sshd.ts';

const LINK_SCRIPT = `export PATH="$1:$PATH"`;

let server: RunningSshd;
/** `-F config`, and the folder on the server. */
let options: string;
let there: string;
let work: string;
let log: () => string;

async function start(): Promise<void> {
  server = await startSshd();
  const { configFile } = await server.client({ alias: 'depot' });
  options = `-F ${configFile}`;
  there = join(server.directory, 'there');
  work = join(server.directory, 'work');
  await mkdir(join(there, 'two words'), { recursive: true });
  await mkdir(join(there, 'folder'));
  await mkdir(join(work, 'bin'), { recursive: true });
  await symlink(sealiftLauncher, join(work, 'bin', 'sealift'));
  for (const name of ['two words/in here.txt', `it's $5 & "x".txt`, 'plain', '.hidden', '[b]*'])
    await writeFile(join(there, name), '');
  for (const name of ['evil\u001b[31m', 'evil\nline', 'evil\u202ebidi', 'evil\u009b1m', '-dash'])
    await writeFile(join(there, name), '');
  await symlink('folder', join(there, 'link'));
  await writeFile(join(work, 'depot.txt'), '');
  log = () => server.log();
}

async function stop(): Promise<void> {
  await server.stop();
}

/** Runs a script of a shell with the completion script of that shell in its first argument. */
async function shell(program: string, args: readonly string[], script: string): Promise<Outcome> {
  const made = await runSealift(['completion', program, '--scp']);
  expect(made).toMatchObject({ status: 0, stderr: '' });
  const file = join(work, `completion.${program}`);
  await writeFile(file, made.stdout);
  return await runProgram(program, [...args, script], {
    cwd: work,
    env: { ...process.env, HOME: work, TERM: 'dumb', SEALIFT_COMPLETION_TIMEOUT: '30' },
  });
}

/** What bash offers for a line with the cursor at its end: readline hands over what stands behind the last break. */
async function bash(line: string, replaced: string, command = '_sealift'): Promise<string[]> {
  const script = `
    ${LINK_SCRIPT.replace('$1', join(work, 'bin'))}
    source ./completion.bash
    COMP_LINE=${JSON.stringify(line).replaceAll('$', String.raw`\$`).replaceAll('`', '\\`')}
    COMP_POINT=\${#COMP_LINE}
    ${command} sealift ${JSON.stringify(replaced).replaceAll('$', String.raw`\$`)} ''
    (( \${#COMPREPLY[@]} )) && printf '%s\\n' "\${COMPREPLY[@]}"
    exit 0`;
  const result = await shell('bash', ['-c'], script);
  expect(result).toMatchObject({ status: 0, stderr: '' });
  return result.stdout.split('\n').slice(0, -1);
}

describePeer(['sshd', 'ssh', 'ssh-keygen'], 'completion in bash', () => {
  beforeAll(start);
  afterAll(stop);

  it('completes commands, options and their values', async () => {
    expect(await bash('sealift co', 'co')).toEqual(['completion']);
    expect(await bash('sealift scp --re', '--re')).toEqual(['--resume', '--retry']);
    expect(await bash('sealift scp -r --transport=b', 'b')).toEqual(['builtin']);
    expect(await bash('sealift scp --progress j', 'j')).toEqual(['json']);
    expect(await bash('sealift scp -rX n', 'n')).toEqual(['nrequests=']);
    expect(await bash('scp --up', '--up', '_sealift_as_scp')).toEqual(['--update']);
    expect(await bash('sealift scp --verify=si', 'si')).toEqual(['signature']);
    // Its value is attached or absent: what follows is something else.
    expect(await bash('sealift scp --verify --ke', '--ke')).toEqual(['--keys']);
    // Options end at the first operand.
    expect(await bash('sealift scp a --re', '--re')).toEqual([]);
    expect(await bash('sealift serve --li', '--li')).toEqual(['--listen']);
  });

  it('completes hosts beside local files', async () => {
    expect((await bash(`sealift scp ${options} dep`, 'dep')).sort()).toEqual(['depot.txt', 'depot:']);
    expect(await bash(`sealift scp ${options} root@dep`, 'root@dep')).toEqual(['root@depot:']);
    expect(await bash(`sealift scp ${options} -J dep`, 'dep')).toEqual(['depot']);
  });

  it('completes remote paths as the shell must see them, in every kind of quotes', async () => {
    const at = `sealift scp ${options} `;
    expect(await bash(`${at}depot:${there}/fo`, `${there}/fo`)).toEqual([`${there}/folder/`]);
    expect(await bash(`${at}depot:${there}/li`, `${there}/li`)).toEqual([`${there}/link/`]);
    expect(await bash(`${at}depot:${there}/two\\ words/i`, `${there}/two\\ words/i`)).toEqual([
      String.raw`${there}/two\ words/in\ here.txt`,
    ]);
    const odd = `${there}/i`;
    expect(await bash(`${at}depot:${odd}`, odd)).toEqual([String.raw`${there}/it\'s\ \$5\ \&\ \"x\".txt`]);
    expect(await bash(`${at}"depot:${odd}`, `depot:${odd}`)).toEqual([String.raw`depot:${there}/it's \$5 & \"x\".txt`]);
    expect(await bash(`${at}'depot:${odd}`, `depot:${odd}`)).toEqual([String.raw`depot:${there}/it'\''s $5 & "x".txt`]);
    // With -O a shell there reads it as well.
    expect(await bash(`${at}-O depot:${odd}`, odd)).toEqual([]);
    expect(await bash(`${at}-O depot:${there}/p`, `${there}/p`)).toEqual([`${there}/plain`]);
  });

  it('offers no name that could act on the terminal', async () => {
    const names = await bash(`sealift scp ${options} depot:${there}/`, `${there}/`);
    expect(names.length).toBe(7);
    expect(names.filter((name) => /evil|hidden/.test(name))).toEqual([]);
    expect(await bash(`sealift scp ${options} depot:${there}/ev`, `${there}/ev`)).toEqual([]);
  });

  it('never asks, and learns no host key', async () => {
    const { configFile, knownHostsFile } = await server.client({
      alias: 'stranger',
      knownHosts: [],
      config: ['StrictHostKeyChecking no', 'BatchMode no'],
    });
    expect(await bash(`sealift scp -F ${configFile} stranger:${there}/p`, `${there}/p`)).toEqual([]);
    expect((await runProgram('cat', [knownHostsFile])).stdout).toBe('');
    expect(log()).toContain('Accepted publickey');
  });
});

describePeer(['sshd', 'ssh', 'ssh-keygen', 'zsh'], 'completion in zsh', () => {
  beforeAll(start);
  afterAll(stop);

  /** The line after TAB, in a real line editor. */
  async function press(line: string): Promise<string> {
    const script = `
      zmodload zsh/zpty
      ${LINK_SCRIPT.replace('$1', join(work, 'bin'))}
      zpty -b z 'zsh -f -i'
      zpty -w z 'autoload -U compinit; compinit -u -D; source ./completion.zsh; show() { print -rn -- "$BUFFER" > shown.part && mv shown.part shown }; zle -N show; bindkey "^X" show; bindkey "^I" complete-word; setopt no_auto_menu no_beep; touch ready'
      rm -f shown ready
      for i in {1..200}; do [[ -e ready ]] && break; zpty -r -t z out; sleep 0.05; done
      zpty -n -w z $'${line.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}\\t\\x18'
      for i in {1..200}; do [[ -e shown ]] && break; zpty -r -t z out; sleep 0.05; done
      cat shown
      zpty -d z`;
    const result = await shell('zsh', ['-f', '-c'], script);
    return result.stdout;
  }

  it('completes options, hosts and remote paths', async () => {
    expect(await press('sealift scp --upd')).toBe('sealift scp --update ');
    expect(await press('sealift scp --verify=si')).toBe('sealift scp --verify=signature ');
    expect(await press('sealift scp --verify --ke')).toBe('sealift scp --verify --keys=');
    expect(await press(`sealift scp ${options} root@dep`)).toBe(`sealift scp ${options} root@depot:`);
    const at = `sealift scp ${options} depot:${there}`;
    expect(await press(`${at}/fo`)).toBe(`${at}/folder/`);
    expect(await press(`${at}/two\\ words/i`)).toBe(`${at}/two\\ words/in\\ here.txt `);
    expect(await press(`${at}/ev`)).toBe(`${at}/ev`);
    expect(await press(`scp ${options} depot:${there}/pl`)).toBe(`scp ${options} depot:${there}/plain `);
  }, 60_000);
});

describePeer(['sshd', 'ssh', 'ssh-keygen', 'fish'], 'completion in fish', () => {
  beforeAll(start);
  afterAll(stop);

  async function offers(line: string): Promise<string[]> {
    const script = `set -x PATH ${join(work, 'bin')} $PATH; source ./completion.fish; complete -C ${JSON.stringify(line)}`;
    const result = await shell('fish', ['-N', '-c'], script);
    expect(result).toMatchObject({ status: 0 });
    return result.stdout.split('\n').slice(0, -1);
  }

  it('completes options, hosts and remote paths', async () => {
    expect(await offers('sealift scp --upd')).toEqual(['--update\tleave out files that are there and not older']);
    expect(await offers('sealift scp --verify=si')).toEqual([
      '--verify=signature\tcompare each copy with its source, or verify its signature',
    ]);
    expect(await offers(`sealift scp ${options} root@dep`)).toEqual(['root@depot:']);
    const at = `sealift scp ${options} depot:${there}`;
    expect(await offers(`${at}/fo`)).toEqual([`depot:${there}/folder/`]);
    expect(await offers(`${at}/tw`)).toEqual([`depot:${there}/two words/`]);
    expect(await offers(`${at}/ev`)).toEqual([]);
    expect(await offers(`scp ${options} depot:${there}/pl`)).toEqual([`depot:${there}/plain`]);
  }, 60_000);
});

describe('the scripts', () => {
  it('are understood by bash', async () => {
    const made = await runSealift(['completion', 'bash']);
    expect(await runProgram('bash', ['-n'], { input: made.stdout })).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});
