import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { isSignedByItsAuthority, parseCertificate } from '../../src/ssh/certificates/parse.ts';
import { describePeer, needsPeer } from '../support/peers.ts';
import { runProgram, runSealift } from '../support/sealift.ts';
import { generateKey, type HostKeyType, type RunningSshd, startSshd } from '../support/sshd.ts';
import { createTempDirectory, type OwnedDirectory } from '../support/temp.ts';

const run = promisify(execFile);

/** Enough for several key exchanges under a RekeyLimit of 1M. */
const FILE_BYTES = 3 * 1024 * 1024;
const FOREVER = ['-V', 'always:forever'];

const hostTypes = ['ed25519', 'ecdsa', 'ecdsa384', 'ecdsa521', 'rsa'] as const;
type KeyName = (typeof hostTypes)[number];

describePeer(['sshd', 'ssh', 'ssh-keygen'], 'host certificates of a real sshd', () => {
  let keys: OwnedDirectory;
  /** `type base64`, by the name of the file. */
  const publicKeys = new Map<string, string>();
  const key = (name: string): string => publicKeys.get(name)!;
  const path = (name: string): string => join(keys.path, name);

  async function make(name: string, type: KeyName): Promise<void> {
    const bits = /^ecdsa(\d+)$/.exec(type)?.[1];
    if (bits === undefined) {
      publicKeys.set(name, await generateKey(path(name), type as HostKeyType));
      return;
    }
    await run(needsPeer('ssh-keygen'), ['-q', '-t', 'ecdsa', '-b', bits, '-N', '', '-f', path(name)]);
    publicKeys.set(name, (await readFile(path(`${name}.pub`), 'utf8')).split(' ').slice(0, 2).join(' '));
  }

  beforeAll(async () => {
    keys = await createTempDirectory('keys');
    const names = [
      ...hostTypes.map((type) => [`host_${type}`, type]),
      ...hostTypes.map((type) => [`ca_${type}`, type]),
    ];
    await Promise.all(names.map(([name, type]) => make(name!, type as KeyName)));
    await writeFile(path('big'), randomBytes(FILE_BYTES));
  });
  afterAll(() => keys.remove());

  /** Certifies a host key and returns where the certificate is. The words are those of ssh-keygen. */
  async function certify(type: KeyName, words: readonly string[], authority = 'ca_ed25519'): Promise<string> {
    const own = path(`copy_${randomBytes(6).toString('hex')}`);
    await writeFile(`${own}.pub`, await readFile(path(`host_${type}.pub`)));
    await run(needsPeer('ssh-keygen'), ['-q', '-s', path(authority), '-I', 'the id', ...words, `${own}.pub`]);
    return `${own}-cert.pub`;
  }

  async function start(type: KeyName, certificate: string, config: readonly string[] = []): Promise<RunningSshd> {
    const lines = [`HostKey ${path(`host_${type}`)}`, `HostCertificate ${certificate}`, ...config];
    const server = await startSshd({ hostKeyTypes: [], config: lines });
    onTestFinished(() => server.stop());
    return server;
  }

  /** Copies a file to the server and asks the system's ssh what it thinks of the same files. */
  async function attempt(server: RunningSshd, knownHosts: readonly string[], config: readonly string[] = []) {
    const { configFile, knownHostsFile } = await server.client({ knownHosts, config });
    const to = join(server.directory, `to_${randomBytes(6).toString('hex')}`);
    const sealift = await runSealift([
      'scp',
      '-v',
      '--transport=builtin',
      '-F',
      configFile,
      path('host_rsa.pub'),
      `server:${to}`,
    ]);
    const ssh = await runProgram('ssh', ['-F', configFile, 'server', 'true']);
    const written = await readFile(knownHostsFile, 'utf8');
    expect(written).toBe(knownHosts.map((line) => `${line}\n`).join(''));
    if (sealift.status === 0) expect(await readFile(to)).toEqual(await readFile(path('host_rsa.pub')));
    return { sealift: sealift.status === 0, ssh: ssh.status === 0, stderr: sealift.stderr };
  }
  const both = (accepted: boolean) => ({ sealift: accepted, ssh: accepted });
  const trust = (names: string, authority = 'ca_ed25519'): string => `@cert-authority ${names} ${key(authority)}`;
  const hostOnly = ['-h', '-n', '127.0.0.1', ...FOREVER];

  it.each(hostTypes.flatMap((type) => hostTypes.map((authority) => [type, authority] as const)))(
    'of %s keys made by ssh-keygen with a %s authority are read and hold',
    async (type, authority) => {
      const words = ['-h', '-n', 'one.example,two.example', '-z', '18446744073709551615', '-V', '20200101Z:20300101Z'];
      const file = await certify(type, words, `ca_${authority}`);
      const [name, base64] = (await readFile(file, 'utf8')).split(' ');
      const certificate = parseCertificate(Buffer.from(base64!, 'base64'));
      expect(certificate).toMatchObject({
        type: name,
        role: 'host',
        keyId: 'the id',
        serial: 2n ** 64n - 1n,
        principals: ['one.example', 'two.example'],
        validAfter: BigInt(Date.UTC(2020, 0, 1) / 1000),
        validBefore: BigInt(Date.UTC(2030, 0, 1) / 1000),
        criticalOptions: [],
      });
      expect(certificate.key.toString('base64')).toBe(key(`host_${type}`).split(' ')[1]);
      expect(certificate.authority.blob.toString('base64')).toBe(key(`ca_${authority}`).split(' ')[1]);
      expect(isSignedByItsAuthority(certificate)).toBe(true);
    },
  );

  describe('are accepted', () => {
    const common = ['ed25519', 'ecdsa', 'rsa'] as const;
    it.each([
      ...common.flatMap((type) => common.map((authority) => [type, authority] as const)),
      ['ecdsa384', 'ecdsa384'] as const,
      ['ecdsa521', 'ecdsa521'] as const,
    ])('for a %s key from a %s authority, through later key exchanges in both directions', async (type, authority) => {
      const certificate = await certify(type, hostOnly, `ca_${authority}`);
      const server = await start(type, certificate, ['RekeyLimit 1M', 'LogLevel DEBUG']);
      const { configFile } = await server.client({ knownHosts: [trust('*', `ca_${authority}`)] });
      const scp = (from: string, to: string) => runSealift(['scp', '--transport=builtin', '-F', configFile, from, to]);
      const there = join(server.directory, 'there');
      const back = join(server.directory, 'back');
      expect(await scp(path('big'), `server:${there}`)).toMatchObject({ status: 0, stdout: '' });
      expect(await scp(`server:${there}`, back)).toMatchObject({ status: 0, stdout: '' });
      expect((await readFile(back)).equals(await readFile(path('big')))).toBe(true);
      // Two connections with one each at the start.
      expect(server.log().match(/SSH2_MSG_NEWKEYS received/g)?.length).toBeGreaterThanOrEqual(6);
    });

    it.each(['rsa-sha2-256-cert-v01@openssh.com', 'rsa-sha2-512-cert-v01@openssh.com'])('by %s', async (algorithm) => {
      const server = await start('rsa', await certify('rsa', hostOnly), [`HostKeyAlgorithms ${algorithm}`]);
      expect(await attempt(server, [trust('*')])).toMatchObject(both(true));
    });

    it.each([
      'curve25519-sha256',
      'ecdh-sha2-nistp384',
      'diffie-hellman-group14-sha256',
      'diffie-hellman-group-exchange-sha256',
    ])('with %s', async (exchange) => {
      const server = await start('ed25519', await certify('ed25519', hostOnly));
      expect(await attempt(server, [trust('*')], [`KexAlgorithms ${exchange}`])).toMatchObject(both(true));
    });

    it('for the host and port, for the host alone, and for a hashed name', async () => {
      const server = await start('ed25519', await certify('ed25519', hostOnly));
      const withPort = trust(`[127.0.0.1]:${server.port}`);
      expect(await attempt(server, [withPort])).toMatchObject(both(true));
      expect(await attempt(server, [trust('127.0.0.1')])).toMatchObject(both(true));
      expect(await attempt(server, [trust('[127.*]:*')])).toMatchObject(both(true));
      const file = path('to_hash');
      await writeFile(file, `${withPort}\n`);
      await run(needsPeer('ssh-keygen'), ['-q', '-H', '-f', file]);
      const hashed = (await readFile(file, 'utf8')).trim();
      expect(hashed).toMatch(/^@cert-authority /);
      expect(await attempt(server, [hashed])).toMatchObject(both(true));
    });

    it('under HostKeyAlias, which is then the name that counts', async () => {
      const server = await start('ed25519', await certify('ed25519', ['-h', '-n', 'the-alias', ...FOREVER]));
      expect(await attempt(server, [trust('the-alias')], ['HostKeyAlias the-alias'])).toMatchObject(both(true));
      expect(await attempt(server, [trust('*')])).toMatchObject(both(false));
    });

    it('in place of a plain key that is out of date', async () => {
      const server = await start('ed25519', await certify('ed25519', hostOnly));
      const lines = [`[127.0.0.1]:${server.port} ${key('ca_ecdsa')}`, trust('*')];
      expect(await attempt(server, lines)).toMatchObject(both(true));
    });

    it('where HostKeyAlgorithms allows nothing else', async () => {
      const server = await start('ed25519', await certify('ed25519', hostOnly));
      const config = ['HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com'];
      expect(await attempt(server, [trust('*')], config)).toMatchObject(both(true));
    });
  });

  describe('are refused, as by ssh,', () => {
    it.each([
      ['that expired', ['-h', '-n', '127.0.0.1', '-V', '20200101:20210101'], /expired at 2021-01-01T/],
      ['that are not valid yet', ['-h', '-n', '127.0.0.1', '-V', '20990101:20990102'], /not valid before 2099-/],
      ['for another name', ['-h', '-n', 'other.example', ...FOREVER], /is for other.example, not for 127.0.0.1/],
      // sshd does not load a user certificate as its own; it is the plain key that is shown then.
      ['for users', ['-n', '127.0.0.1', ...FOREVER], /showed a plain key|for users/],
    ])('%s', async (_, words, reason) => {
      const server = await start('ed25519', await certify('ed25519', words));
      const result = await attempt(server, [trust('*')]);
      expect(result).toMatchObject(both(false));
      expect(result.stderr).toMatch(reason);
      expect(result.stderr).toMatch(/known_hosts:1\)/);
    });

    it.each(['ask', 'accept-new', 'no'])('that expired, under StrictHostKeyChecking %s', async (strict) => {
      const words = ['-h', '-n', '127.0.0.1', '-V', '20200101:20210101'];
      const server = await start('ed25519', await certify('ed25519', words));
      const { configFile, knownHostsFile } = await server.client({
        knownHosts: [trust('*')],
        config: [`StrictHostKeyChecking ${strict}`, 'BatchMode no'],
      });
      const result = await runSealift(['scp', '--transport=builtin', '-F', configFile, path('big'), 'server:/nowhere']);
      expect(result.status).not.toBe(0);
      expect(result.stderr).toMatch(/the certificate of the host expired/);
      expect(await readFile(knownHostsFile, 'utf8')).toBe(`${trust('*')}\n`);
    });

    it('of an authority that is not the known one, or known for another host or port', async () => {
      const server = await start('ed25519', await certify('ed25519', hostOnly));
      const unknown = await attempt(server, [trust('*', 'ca_ecdsa')]);
      expect(unknown).toMatchObject(both(false));
      expect(unknown.stderr).toMatch(/is by an unknown authority, ED25519 SHA256:/);
      expect(await attempt(server, [trust('other')])).toMatchObject(both(false));
      expect(await attempt(server, [trust(`[127.0.0.1]:${server.port === 1 ? 2 : 1}`)])).toMatchObject(both(false));
      expect(await attempt(server, [trust('*,!127.0.0.1,![127.0.0.1]:*')])).toMatchObject(both(false));
      // A line without the marker is about the host's own key.
      expect(await attempt(server, [`* ${key('ca_ed25519')}`])).toMatchObject(both(false));
    });

    it('whose authority or key is revoked', async () => {
      const server = await start('ed25519', await certify('ed25519', hostOnly));
      const plain = `* ${key('host_ed25519')}`;
      for (const name of ['ca_ed25519', 'host_ed25519']) {
        const result = await attempt(server, [trust('*'), plain, `@revoked * ${key(name)}`]);
        expect(result).toMatchObject(both(false));
        expect(result.stderr).toMatch(/is revoked/);
        const list = path(`revoked_${name}`);
        await writeFile(list, `${key(name)}\n`);
        const listed = await attempt(server, [trust('*'), plain], [`RevokedHostKeys ${list}`]);
        expect(listed).toMatchObject(both(false));
        expect(listed.stderr).toMatch(/is revoked/);
      }
    });

    it('with a critical option', async () => {
      const words = ['-h', '-n', '127.0.0.1', ...FOREVER, '-O', 'critical:unknown@example.org=1'];
      const server = await start('ed25519', await certify('ed25519', words));
      const result = await attempt(server, [trust('*')]);
      expect(result).toMatchObject(both(false));
      expect(result.stderr).toMatch(/critical options.*unknown@example.org/);
    });

    it('that CASignatureAlgorithms does not allow, and by SHA-1 whatever it allows', async () => {
      const allowed = await start('rsa', await certify('rsa', ['-t', 'rsa-sha2-256', ...hostOnly], 'ca_rsa'));
      expect(await attempt(allowed, [trust('*', 'ca_rsa')])).toMatchObject(both(true));
      const config = ['CASignatureAlgorithms ssh-ed25519,rsa-sha2-512'];
      expect(await attempt(allowed, [trust('*', 'ca_rsa')], config)).toMatchObject(both(false));
      const sha1 = await start('ed25519', await certify('ed25519', ['-t', 'ssh-rsa', ...hostOnly], 'ca_rsa'), [
        'CASignatureAlgorithms +ssh-rsa',
      ]);
      expect(await attempt(sha1, [trust('*', 'ca_rsa')])).toMatchObject(both(false));
      const result = await attempt(sha1, [trust('*', 'ca_rsa')], ['CASignatureAlgorithms +ssh-rsa']);
      expect(result).toMatchObject({ sealift: false });
    });

    it('that HostKeyAlgorithms leaves out', async () => {
      const server = await start('ed25519', await certify('ed25519', hostOnly));
      const result = await attempt(server, [trust('*')], ['HostKeyAlgorithms ssh-ed25519']);
      expect(result).toMatchObject(both(false));
      expect(result.stderr).toMatch(/let HostKeyAlgorithms have some/);
    });
  });

  describe('that prove nothing', () => {
    const expired = ['-h', '-n', '127.0.0.1', '-V', '20200101:20210101'];

    it('do no harm where the plain key is known, as with ssh', async () => {
      const server = await start('ed25519', await certify('ed25519', expired));
      expect(await attempt(server, [trust('*'), `* ${key('host_ed25519')}`])).toMatchObject(both(true));
    });

    it('hide a known key of another type only until they are left out', async () => {
      const certificate = await certify('ed25519', hostOnly);
      const server = await start('ed25519', certificate, [`HostKey ${path('host_rsa')}`]);
      const lines = [trust('*', 'ca_ecdsa'), `* ${key('host_rsa')}`];
      const hidden = await attempt(server, lines);
      expect(hidden.sealift).toBe(false);
      const option = /-o (HostKeyAlgorithms)=(\S+)/.exec(hidden.stderr)!;
      expect(await attempt(server, lines, [`${option[1]} ${option[2]}`])).toMatchObject(both(true));
    });

    it('are not asked for where there is no authority', async () => {
      const server = await start('ed25519', await certify('ed25519', expired));
      expect(await attempt(server, [`* ${key('host_ed25519')}`])).toMatchObject(both(true));
    });
  });

  it('compares names as they stand: a pattern is none', async () => {
    const server = await start('ed25519', await certify('ed25519', ['-h', '-n', '127.*', ...FOREVER]));
    expect(await attempt(server, [trust('*')])).toMatchObject(both(false));
  });

  describe('where we leave OpenSSH 9.2:', () => {
    it('one without names is refused', async () => {
      const server = await start('ed25519', await certify('ed25519', ['-h', ...FOREVER]));
      const result = await attempt(server, [trust('*')]);
      expect(result.sealift).toBe(false);
      expect(result.stderr).toMatch(/the certificate of the host names no host/);
    });
  });

  it('leave a pinned key what it is', async () => {
    const { connect } = await import('../../src/ssh/connect.ts');
    const server = await start('ed25519', await certify('ed25519', hostOnly));
    const { configFile } = await server.client({ knownHosts: [] });
    const open = (pin: string) =>
      connect(
        { host: 'server' },
        {
          transport: 'builtin',
          environment: { home: keys.path, user: 'nobody', path: process.env['PATH'] },
          args: ['-F', configFile],
          hostKeys: [pin],
        },
      );
    await (await open(key('host_ed25519'))).close();
    await expect(open(key('ca_ed25519'))).rejects.toMatchObject({ code: 'ERR_HOST_KEY' });
  });
});
