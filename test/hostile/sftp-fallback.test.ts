import { describe, expect, it } from 'vitest';
import { blindly, type HostilePeer, type Script } from '../support/hostile-peer.ts';
import { leave, sftp } from '../support/hostile-sftp-engine.ts';
import { attackSftp, expectSftpEnd, expectSftpRefused, type SftpAttack } from '../support/hostile-sftp-run.ts';
import { version } from '../support/hostile-sftp-wire.ts';

/** What a server runs as SFTP, and what when the client then asks for scp; and what it was asked for. */
function withoutSftp(
  refusal: (peer: HostilePeer) => Promise<void> | void,
  scp: Script,
  commands: string[] = [],
): Script {
  return async (peer) => {
    commands.push(peer.command);
    if (peer.command !== 'sftp') return await scp(peer);
    await refusal(peer);
    await peer.gone;
  };
}

const byDefault: Pick<SftpAttack, 'protocol'> = { protocol: [] };
const refusedBySsh = async (peer: HostilePeer): Promise<void> => {
  await peer.complain('subsystem request failed on channel 0\r\n');
  peer.exit(255);
};

interface Refusal extends Pick<SftpAttack, 'form' | 'policy'> {
  readonly title: string;
  readonly refusal?: (peer: HostilePeer) => Promise<void> | void;
}

const refusals: readonly Refusal[] = [
  { title: 'ends with 127 (program)', form: 'program', refusal: (peer) => peer.exit(127) },
  { title: 'ends with 1 (program)', form: 'program', refusal: (peer) => peer.exit(1) },
  { title: 'ends with 0 (program)', form: 'program', refusal: (peer) => peer.exit(0) },
  { title: 'is refused (program)', form: 'program', refusal: refusedBySsh },
  { title: 'ends with 127 (server)', form: 'server', refusal: (peer) => peer.exit(127) },
  { title: 'ends with 0 (server)', form: 'server', refusal: (peer) => peer.exit(0) },
  { title: 'is refused (server)', form: 'server', policy: 'refuse' },
  { title: 'is closed at once (server)', form: 'server', policy: 'close' },
];

const good: Script = async (peer) => {
  await peer.read(1);
  await peer.send('C0644 2 f\n');
  await peer.read(1);
  await peer.send('X\n\0');
  await peer.read(1);
  peer.exit(0);
};

const notice = /^sealift: h: the server has no SFTP; copying by the SCP protocol \(-O\)$/m;
const landed = ['! work/out/f: file 640 "X\\n"', 't work/out'];

describe('where the SFTP subsystem', { concurrent: true, timeout: 60_000 }, () => {
  it.each(refusals)(
    '$title, the copy falls back to SCP and says so in one line',
    async ({ refusal, title, ...rest }) => {
      const commands: string[] = [];
      const script = withoutSftp(refusal ?? (() => {}), good, commands);
      const result = await attackSftp({ ...rest, ...byDefault, script });
      expectSftpEnd(result, title);
      expect(result).toMatchObject({ status: 0, changes: landed });
      expect(result.stderr.trim().split('\n')).toHaveLength(1);
      expect(result.stderr).toMatch(notice);
      expect(commands.at(-1)).toBe('scp -f f');
    },
  );

  it.each(refusals)('$title, -s fails and runs no scp', async ({ refusal, title, ...rest }) => {
    const commands: string[] = [];
    const script = withoutSftp(refusal ?? (() => {}), good, commands);
    expectSftpRefused(
      await attackSftp({ ...rest, script }),
      /does not offer SFTP|subsystem sftp refused|connection/,
      [],
      title,
    );
    expect(commands.filter((command) => command !== 'sftp')).toEqual([]);
  });

  it.each(['program', 'server'] as const)('is missing (%s), an upload falls back as well', async (form) => {
    const script = withoutSftp(
      (peer) => peer.exit(127),
      async (peer) => {
        await peer.send('\0');
        await peer.readLine();
        await peer.send('\0');
        await peer.read(11);
        await peer.send('\0');
        await peer.drain();
        peer.exit(0);
      },
    );
    const result = await attackSftp({ form, ...byDefault, script, operands: ['neighbour', 'h:there'] });
    expectSftpEnd(result);
    expect(result.stderr).toMatch(notice);
    expect(result.status).toBe(0);
  });

  it('is missing, several sources of one host have one notice', async () => {
    const script = withoutSftp((peer) => peer.exit(127), good);
    const result = await attackSftp({ form: 'program', ...byDefault, script, operands: ['h:f', 'h:f', 'out/'] });
    expectSftpEnd(result);
    expect(result.stderr.match(/has no SFTP/g)).toHaveLength(1);
  });
});

const file = (name: string) => `C0644 2 ${name}\nX\n\0`;

/** A downgrade is in the hands of the server, so all checks of the SCP mode hold behind it. */
const attacks: readonly (readonly [string, readonly string[], string, string, RegExp])[] = [
  ['a way out', [], 'f', file('../f'), /unexpected filename/],
  ['an absolute path', ['-r'], 'f', file('/tmp/sealift-hostile-absolute'), /unexpected filename/],
  ['another name (CVE-2019-6111)', [], 'f', file('.bashrc'), /does not match request/],
  [
    'a directory with another name (V1)',
    ['-rp'],
    'f',
    `D0755 0 .ssh\n${file('authorized_keys')}E\n`,
    /does not match request/,
  ],
  ['a hidden name for a pattern (V2)', [], '*', file('.bashrc'), /does not match request/],
  ['the directory itself (CVE-2018-20685)', ['-rp'], 'd', 'D0777 0 .\nE\n', /unexpected filename/],
  ['a directory without -r', [], 'f', `D0755 0 f\n${file('x')}E\n`, /without -r/],
];

describe.each(['program', 'server'] as const)(
  'after the fall back, a server (%s) that sends',
  { concurrent: true, timeout: 60_000 },
  (form) => {
    it.each(attacks)('%s is refused as with -O', async (_, flags, path, sent, cause) => {
      const script = withoutSftp((peer) => peer.exit(127), blindly(sent));
      const result = await attackSftp({ form, ...byDefault, flags, script, operands: [`h:${path}`, 'out/'] });
      expectSftpRefused(result, cause);
    });
  },
);

/** What is no sign of a server without SFTP. */
const others: readonly (readonly [string, (peer: HostilePeer) => Promise<void> | void, RegExp])[] = [
  [
    'a login that is refused',
    async (peer) => {
      await peer.complain('tester@h: Permission denied (publickey).\r\n');
      peer.exit(255);
    },
    /connection/,
  ],
  ['a connection that is lost', (peer) => peer.exit(255), /connection/],
  ['a greeting of the login shell', (peer) => peer.send('Welcome\n'), /the remote shell printed "Welcome"/],
  ['garbage', (peer) => peer.send('\0\0\0\0\0\0'), /protocol error/],
  [
    'an end after VERSION',
    async (peer) => {
      await peer.send(version());
      peer.exit(127);
    },
    /connection/,
  ],
  ['an end at the first request', (peer) => sftp({ answers: { STAT: leave(127) } })(peer), /connection/],
];

describe('by default, a server with', { concurrent: true, timeout: 60_000 }, () => {
  it.each(others)('%s does not make the copy fall back to SCP', async (_, refusal, cause) => {
    const commands: string[] = [];
    const result = await attackSftp({ form: 'program', ...byDefault, script: withoutSftp(refusal, good, commands) });
    expectSftpRefused(result, cause);
    expect(commands).toEqual(['sftp']);
  });

  it('escape sequences in what it says when it refuses gets none of them onto the terminal', async () => {
    const script = withoutSftp(async (peer) => {
      await peer.complain('\x1b[2Jsubsystem request failed on channel 0\r\nFAKE\x1b]0;owned\x07\r\n');
      await refusedBySsh(peer);
    }, good);
    const result = await attackSftp({ form: 'program', ...byDefault, script });
    expectSftpEnd(result);
    expect([0, 1, 255]).toContain(result.status);
  });
});
