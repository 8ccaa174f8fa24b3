import { sign } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ssh2, { type Client, type Connection } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { offerCertificates } from '../../../src/ssh/builtin/ssh2-certificates.ts';
import { certificateAlgorithms, hostKeyType, plainName } from '../../../src/ssh/certificates/names.ts';
import { connect } from '../../../src/ssh/connect.ts';
import { tempDirectory } from '../../support/temp.ts';
import {
  makeCertificate,
  makeKey,
  type TestFields,
  type TestKey,
  type TestKeyType,
} from '../certificates/make-certificate.ts';
import { scriptedServer } from '../scripted-server.ts';
import { finish } from '../streams.ts';

const authority = makeKey();
const valid: TestFields = { principals: ['127.0.0.1'], validAfter: 0n, validBefore: 2n ** 64n - 1n };

/** What a server does in a key exchange. */
interface Showing {
  readonly algorithm: string;
  /** K_S */
  readonly shown: Buffer;
  /** Signs the exchange hash. */
  readonly signer: TestKey;
  /** The name in the signature. */
  readonly signature?: string;
}

interface Exchange {
  negotiated: { serverHostKey: string };
}

/** Makes an ssh2 server show a certificate; for each key exchange it asks anew which. */
function show(connection: Connection, showing: (exchange: number) => Showing): void {
  const protocol = (connection as unknown as { _protocol: object })._protocol as {
    _offer: { lists: Record<string, never>; constructor: unknown };
    _hostKeys: Record<string, unknown>;
  };
  const { kex, cs, sc } = protocol._offer.lists as unknown as Record<string, { array: string[] }>;
  const arrays = (lists: object | undefined): object =>
    Object.fromEntries(
      Object.entries(lists ?? {}).map(([name, list]: [string, { array: string[] }]) => [name, list.array]),
    );
  const Offer = protocol._offer.constructor as new (lists: object) => typeof protocol._offer;
  const serverHostKey = [showing(0).algorithm];
  protocol._offer = new Offer({ kex: kex?.array, serverHostKey, cs: arrays(cs), sc: arrays(sc) });
  let current: Exchange | undefined;
  let count = 0;
  Object.defineProperty(protocol, '_kex', {
    get: () => current,
    set: (exchange: Exchange) => {
      current = exchange;
      const { algorithm, shown, signer, signature = plainName(algorithm) } = showing(count++);
      exchange.negotiated.serverHostKey = signature;
      protocol._hostKeys[signature] = {
        type: signer.type,
        getPublicSSH: () => shown,
        sign: (data: Buffer, hash?: string) => {
          const curveHash = { nistp256: 'sha256', nistp384: 'sha384', nistp521: 'sha512' }[signer.type.slice(-8)];
          return sign(signer.type === 'ssh-ed25519' ? null : (hash ?? curveHash), data, signer.privateKey);
        },
      };
    },
  });
}

async function serverShowing(showing: (exchange: number) => Showing) {
  const connections: Connection[] = [];
  const server = await scriptedServer({
    arrange: (connection) => show(connection, showing),
    serve: (connection) => {
      connections.push(connection);
      connection.on('session', (accept) =>
        accept().on('exec', (yes) => {
          const channel = yes();
          channel.write('in');
          channel.exit(0);
          channel.end();
        }),
      );
    },
  });
  /** Resolves when the new keys are in use. */
  const rekey = (): Promise<void> =>
    new Promise((resolve) => (connections[0] as unknown as { rekey(done: () => void): void }).rekey(resolve));
  return { ...server, rekey };
}

async function open(port: number, args: readonly string[] = [], knownHosts?: string) {
  const file = join(await tempDirectory(), 'known_hosts');
  await writeFile(file, knownHosts ?? `@cert-authority * ${authority.type} ${authority.blob.toString('base64')}\n`);
  return await connect(
    { host: '127.0.0.1', port },
    {
      transport: 'builtin',
      environment: { home: '/nonexistent', user: 'tester', path: '' },
      args: ['-F', 'none', `-oUserKnownHostsFile=${file}`, '-oGlobalKnownHostsFile=none', ...args],
      connectTimeoutMs: 10_000,
    },
  );
}

const showingValid = (
  algorithm: string,
  host = makeKey(hostKeyType(plainName(algorithm)) as TestKeyType),
): Showing => ({
  algorithm,
  shown: makeCertificate(host, authority, valid),
  signer: host,
});

describe('a server with a certificate', () => {
  it.each(certificateAlgorithms)('is accepted by %s, and again in a later key exchange', async (algorithm) => {
    const showing = showingValid(algorithm);
    const server = await serverShowing(() => showing);
    const connection = await open(server.port);
    expect((await finish(await connection.exec('x'))).out).toBe('in');
    await server.rekey();
    expect((await finish(await connection.exec('x'))).out).toBe('in');
    await connection.close();
  });

  it.each(certificateAlgorithms)('that does not hold its key is refused (%s)', async (algorithm) => {
    // Certificates are public: whoever has talked to the host can show its certificate.
    const showing = showingValid(algorithm);
    const server = await serverShowing(() => ({ ...showing, signer: makeKey(showing.signer.type) }));
    await expect(open(server.port)).rejects.toMatchObject({
      code: 'ERR_PROTOCOL',
      message: expect.stringContaining('signature verification failed'),
    });
  });

  it('that signs with the key of another certificate is refused', async () => {
    const [first, second] = [
      showingValid('ssh-ed25519-cert-v01@openssh.com'),
      showingValid('ssh-ed25519-cert-v01@openssh.com'),
    ];
    const server = await serverShowing(() => ({ ...first, signer: second.signer }));
    await expect(open(server.port)).rejects.toMatchObject({ code: 'ERR_PROTOCOL' });
  });

  it.each([
    'ssh-rsa',
    'rsa-sha2-256',
    'rsa-sha2-512-cert-v01@openssh.com',
    'ssh-rsa-cert-v01@openssh.com',
    'ssh-ed25519',
  ])('that signs by %s where rsa-sha2-512 was agreed on is refused', async (signature) => {
    const showing = showingValid('rsa-sha2-512-cert-v01@openssh.com');
    const server = await serverShowing(() => ({ ...showing, signature }));
    await expect(open(server.port)).rejects.toMatchObject({ message: expect.stringContaining('Wrong signature type') });
  });

  it('that shows a plain key where a certificate was agreed on is refused', async () => {
    const showing = showingValid('ssh-ed25519-cert-v01@openssh.com');
    const server = await serverShowing(() => ({ ...showing, shown: showing.signer.blob }));
    await expect(open(server.port)).rejects.toMatchObject({ message: expect.stringContaining('negotiated type') });
  });

  it('that shows a certificate of another type of key than agreed on is refused', async () => {
    const showing = showingValid('ssh-ed25519-cert-v01@openssh.com');
    const shown = makeCertificate(makeKey('ecdsa-sha2-nistp256'), authority, valid);
    const server = await serverShowing(() => ({ ...showing, shown }));
    await expect(open(server.port)).rejects.toMatchObject({ message: expect.stringContaining('negotiated type') });
  });

  it('that shows a certificate where a plain key was agreed on is refused', async () => {
    const showing = showingValid('ssh-ed25519');
    const server = await serverShowing(() => ({ ...showing, signature: 'ssh-ed25519' }));
    await expect(open(server.port)).rejects.toMatchObject({ message: expect.stringContaining('negotiated type') });
  });

  it.each([
    ['cut short', (blob: Buffer) => blob.subarray(0, -1)],
    ['with something behind it', (blob: Buffer) => Buffer.concat([blob, Buffer.of(0)])],
    ['with another signature', (blob: Buffer) => Buffer.concat([blob.subarray(0, -1), Buffer.of(blob.at(-1)! ^ 1)])],
  ])('%s is refused', async (_, change) => {
    const showing = showingValid('ssh-ed25519-cert-v01@openssh.com');
    const server = await serverShowing(() => ({ ...showing, shown: change(showing.shown) }));
    await expect(open(server.port)).rejects.toThrow(/certificate|key/i);
  });

  it('loses the connection when it shows another certificate later, even a good one of the same key', async () => {
    const showing = showingValid('ssh-ed25519-cert-v01@openssh.com');
    const renewed = makeCertificate(showing.signer, authority, { ...valid, serial: 43n });
    const server = await serverShowing((exchange) => ({ ...showing, shown: exchange > 0 ? renewed : showing.shown }));
    const connection = await open(server.port);
    void server.rekey();
    await expect(
      (async () => {
        for (;;) await finish(await connection.exec('x'));
      })(),
    ).rejects.toMatchObject({ message: expect.stringContaining('Host denied') });
  });

  it('is not asked for one where known_hosts has no authority for it', async () => {
    const server = await serverShowing(() => showingValid('ssh-ed25519-cert-v01@openssh.com'));
    const line = `@cert-authority other ${authority.type} ${authority.blob.toString('base64')}\n`;
    await expect(open(server.port, [], line)).rejects.toMatchObject({ code: 'ERR_NO_COMMON_ALGORITHM' });
  });

  it('is not asked for one that HostKeyAlgorithms leaves out', async () => {
    const server = await serverShowing(() => showingValid('ssh-ed25519-cert-v01@openssh.com'));
    for (const list of ['ssh-ed25519', 'rsa-sha2-512-cert-v01@openssh.com', '-ssh-ed25519*']) {
      const attempt = open(server.port, [`-oHostKeyAlgorithms=${list}`]);
      await expect(attempt).rejects.toMatchObject({ code: 'ERR_NO_COMMON_ALGORITHM' });
    }
  });

  it('is accepted where HostKeyAlgorithms allows nothing but that', async () => {
    const server = await serverShowing(() => showingValid('ssh-ed25519-cert-v01@openssh.com'));
    const connection = await open(server.port, ['-oHostKeyAlgorithms=ssh-ed25519-cert-v01@openssh.com']);
    expect((await finish(await connection.exec('x'))).out).toBe('in');
    await connection.close();
  });

  it('is refused where CASignatureAlgorithms does not allow its authority', async () => {
    const server = await serverShowing(() => showingValid('ssh-ed25519-cert-v01@openssh.com'));
    for (const list of ['rsa-sha2-512', '-ssh-ed25519', '-*']) {
      const attempt = open(server.port, [`-oCASignatureAlgorithms=${list}`]);
      await expect(attempt).rejects.toMatchObject({
        code: 'ERR_HOST_KEY',
        message: expect.stringContaining('signed with ssh-ed25519, which is not accepted'),
      });
    }
  });
});

describe('an ssh2 with other insides', () => {
  const client = (protocol: object | undefined): Client => ({ _protocol: protocol }) as unknown as Client;
  const offers = ['ssh-ed25519-cert-v01@openssh.com', 'ssh-ed25519'];
  class OtherOffer {
    readonly lists = { kex: { array: [] }, serverHostKey: { array: ['ssh-ed25519'] } };
  }
  class Throwing {
    readonly lists: object;
    constructor(lists?: object) {
      if (lists !== undefined) throw new Error('other');
      this.lists = { serverHostKey: { array: ['ssh-ed25519'] } };
    }
  }

  it.each([
    ['nothing', undefined],
    ['no offer', { _kex: undefined }],
    ['an offer without lists', { _kex: undefined, _offer: {} }],
    ['an offer that is made otherwise', { _kex: undefined, _offer: new OtherOffer() }],
    ['an offer that cannot be made', { _kex: undefined, _offer: new Throwing() }],
  ])('is left as it is where it has %s', (_, protocol) => {
    const offer = (protocol as { _offer?: unknown } | undefined)?._offer;
    expect(offerCertificates(client(protocol), offers)).toBe(false);
    expect((protocol as { _offer?: unknown } | undefined)?._offer).toBe(offer);
  });

  it('is not what is installed', () => {
    const installed = new ssh2.Client();
    installed.on('error', () => {});
    installed.connect({ host: '127.0.0.1', port: 1, username: 'x', algorithms: { serverHostKey: ['ssh-ed25519'] } });
    const protocol = (installed as unknown as { _protocol: Record<string, unknown> })._protocol;
    expect(offerCertificates(installed, offers)).toBe(true);
    const { lists } = protocol['_offer'] as { lists: { serverHostKey: { array: string[] }; kex: { array: string[] } } };
    expect(lists.serverHostKey.array).toEqual(offers);
    expect(lists.kex.array).toContain('kex-strict-c-v00@openssh.com');
    // Once a key exchange runs it is too late.
    protocol['_kex'] = {};
    expect(offerCertificates(installed, offers)).toBe(false);
    installed.destroy();
  });
});
