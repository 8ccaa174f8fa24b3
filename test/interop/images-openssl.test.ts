import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { readPrivateKey, writePrivateKey } from '../../src/images/algorithms/private-key.ts';
import { readSignedData } from '../../src/images/cms/signed-data.ts';
import { readEnvelope } from '../../src/images/read-envelope.ts';
import {
  attachSignatures,
  digestPayload,
  exportAttributes,
  type ImageSigner,
  type SigningCertificate,
} from '../../src/images/sign.ts';
import type { Certificate } from '../../src/images/x509/certificate.ts';
import { readCertificateFile, writeCertificatePem } from '../../src/images/x509/pem.ts';
import { describedAs, lookupOf, makeSigner, signed, testTime, trusted } from '../support/image-keys.ts';
import { imageErrorOf, verifyBytes } from '../support/image-refusal.ts';
import { describePeer } from '../support/peers.ts';
import { createTempDirectory } from '../support/temp.ts';

const payload = Buffer.from('console.log("signed");\n'.repeat(1000));
let directory: string;

interface Outcome {
  readonly status: number | null;
  readonly text: string;
}

function openssl(...args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync('openssl', args, { cwd: directory, encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

function write(name: string, content: Uint8Array | string): void {
  writeFileSync(join(directory, name), content);
}

function read(name: string): Buffer {
  return readFileSync(join(directory, name));
}

function cmsVerify(content: string): Outcome {
  const input = ['-inform', 'DER', '-in', 'sig.p7s', '-content', content, '-CAfile', 'signer.crt'];
  return openssl(
    'cms',
    '-verify',
    '-cades',
    '-binary',
    ...input,
    '-purpose',
    'any',
    '-no_check_time',
    '-out',
    '/dev/null',
  );
}

describePeer(['openssl'], 'openssl', () => {
  beforeAll(async () => {
    const created = await createTempDirectory('openssl');
    directory = created.path;
    return created.remove;
  });

  it.each(['rsa-2048', 'rsa-3072', 'rsa-4096', 'ecdsa-p256', 'ecdsa-p384'] as const)(
    'reads our certificate and verifies our envelope: %s',
    async (algorithm) => {
      const signer = await makeSigner(algorithm);
      write('signer.crt', writeCertificatePem(signer.certificate));
      expect(openssl('x509', '-in', 'signer.crt', '-noout', '-text').text).toContain('Code Signing');
      expect(openssl('verify', '-x509_strict', '-CAfile', 'signer.crt', 'signer.crt')).toEqual({
        status: 0,
        text: 'signer.crt: OK\n',
      });
      for (const digest of ['sha256', 'sha384', 'sha512'] as const) {
        const { envelope } = await signed(payload, [signer], { digest });
        write('sig.p7s', envelope);
        write('payload', payload);
        expect(cmsVerify('payload')).toEqual({ status: 0, text: 'CAdES Verification successful\n' });
        write('changed', Buffer.concat([payload, Buffer.of(0)]));
        expect(cmsVerify('changed')).toMatchObject({
          status: 4,
          text: expect.stringContaining('Verification failure'),
        });
      }
    },
  );

  it('verifies an envelope with new keys and several signers', async () => {
    const signers = [await makeSigner('rsa-2048'), await makeSigner('ecdsa-p256')];
    const newKeys = [await makeSigner('ed25519', 'special', 'B')];
    const { envelope } = await signed(payload, signers, { newKeys });
    write('sig.p7s', envelope);
    write('payload', payload);
    write('signer.crt', signers.map(({ certificate }) => writeCertificatePem(certificate)).join(''));
    expect(cmsVerify('payload')).toEqual({ status: 0, text: 'CAdES Verification successful\n' });
  });

  it('verifies Ed25519 by the attributes', async () => {
    const signer = await makeSigner('ed25519');
    write('signer.crt', writeCertificatePem(signer.certificate));
    expect(openssl('verify', '-CAfile', 'signer.crt', 'signer.crt').status).toBe(0);
    const { envelope } = await signed(payload, [signer]);
    const { signerInfo } = readEnvelope(envelope).signers[0]!;
    write('attributes.der', signerInfo.signedAttributes);
    write('signature', signerInfo.signature);
    write('public.pem', openssl('x509', '-in', 'signer.crt', '-noout', '-pubkey').text);
    const input = ['-pubin', '-inkey', 'public.pem', '-rawin', '-in', 'attributes.der', '-sigfile', 'signature'];
    expect(openssl('pkeyutl', '-verify', ...input)).toEqual({ status: 0, text: 'Signature Verified Successfully\n' });
  });

  it.each<[string, string[], string]>([
    ['rsa:2048', ['-newkey', 'rsa:2048'], '2048-bit RSA'],
    ['P-256', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], 'ECDSA P-256'],
    ['P-384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'], 'ECDSA P-384'],
    ['ed25519', ['-newkey', 'ed25519'], 'Ed25519'],
  ])('makes keys and certificates that sign images: %s', async (_what, newKey, title) => {
    const subject = ['-subj', '/O=Example Networks/OU=NX3900/CN=Made by openssl', '-days', '30'];
    const usage = ['-addext', 'keyUsage=digitalSignature', '-addext', 'extendedKeyUsage=codeSigning'];
    const output = ['-out', 'own.crt', '-keyout', 'own.key', '-passout', 'pass:secret'];
    expect(openssl('req', '-x509', ...newKey, ...subject, ...usage, ...output).status).toBe(0);
    const certificate = readCertificateFile(read('own.crt'));
    expect(certificate).toMatchObject({
      name: { commonName: 'Made by openssl', organizationalUnit: 'NX3900', organization: 'Example Networks' },
      purpose: undefined,
      publicKey: { title },
    });
    const pem = read('own.key').toString();
    expect(await imageErrorOf(() => readPrivateKey(pem))).toMatchObject({ cure: 'give its passphrase' });
    expect(await imageErrorOf(() => readPrivateKey(pem, 'wrong'))).toMatchObject({ cure: 'check the passphrase' });
    const signer = { certificate, privateKey: readPrivateKey(pem, 'secret'), keyVersion: 'C' };
    const { file } = await signed(payload, [signer]);
    const lookup = lookupOf([trusted(signer, { version: 'C' })]);
    await expect(verifyBytes(file, lookup)).resolves.toMatchObject({ info: { keyVersion: 'C' } });
  });

  it('reads our private keys, encrypted or not', async () => {
    for (const algorithm of ['rsa-2048', 'ecdsa-p384', 'ed25519'] as const) {
      const { privateKey } = await makeSigner(algorithm);
      write('open.pem', writePrivateKey(privateKey));
      write('locked.pem', writePrivateKey(privateKey, 'pass phrase'));
      expect(openssl('pkey', '-in', 'open.pem', '-noout').status).toBe(0);
      expect(openssl('pkey', '-in', 'locked.pem', '-noout', '-passin', 'pass:pass phrase').status).toBe(0);
      expect(openssl('pkey', '-in', 'locked.pem', '-noout', '-passin', 'pass:wrong').status).not.toBe(0);
      const structure = openssl('asn1parse', '-in', 'locked.pem').text;
      for (const name of ['PBES2', 'PBKDF2', 'hmacWithSHA256', 'aes-256-cbc']) expect(structure).toContain(name);
    }
  });

  /** What a signing room does: it has the key, and sees the attributes alone. */
  async function signedElsewhere(signer: ImageSigner, sign: string[]): Promise<Buffer> {
    const own: SigningCertificate = { certificate: signer.certificate };
    const digested = await digestPayload([payload]);
    const request = { payload: digested, description: describedAs(), signingTime: testTime };
    const attributes = exportAttributes(request, own);
    write('attributes.der', attributes);
    write('room.pem', writePrivateKey(signer.privateKey));
    execFileSync('openssl', sign, { cwd: directory });
    const certificate: Certificate = signer.certificate;
    const image = attachSignatures(digested, [{ certificate, attributes, signature: read('signature') }]);
    return Buffer.concat([payload, image.envelope, image.footer]);
  }

  it.each(['rsa-2048', 'rsa-4096', 'ecdsa-p256', 'ecdsa-p384'] as const)(
    'signs exported attributes: %s',
    async (algorithm) => {
      const signer = await makeSigner(algorithm);
      const sign = ['dgst', '-sha512', '-sign', 'room.pem', '-out', 'signature', 'attributes.der'];
      const file = await signedElsewhere(signer, sign);
      await expect(verifyBytes(file, lookupOf([trusted(signer)]))).resolves.toMatchObject({
        info: { size: payload.length },
      });
      const wrong = [...sign.slice(0, 1), '-sha256', ...sign.slice(2)];
      expect(await imageErrorOf(() => signedElsewhere(signer, wrong))).toMatchObject({ code: 'ERR_IMAGE_SIGNATURE' });
    },
  );

  it('signs exported attributes: ed25519', async () => {
    const signer = await makeSigner('ed25519');
    const sign = ['pkeyutl', '-sign', '-inkey', 'room.pem', '-rawin', '-in', 'attributes.der', '-out', 'signature'];
    const file = await signedElsewhere(signer, sign);
    await expect(verifyBytes(file, lookupOf([trusted(signer)]))).resolves.toMatchObject({
      info: { size: payload.length },
    });
  });

  it.each(['rsa-2048', 'ecdsa-p256'] as const)(
    'makes SignedData that our reader takes apart, and that lacks the attributes of an image: %s',
    async (algorithm) => {
      const signer = await makeSigner(algorithm);
      write('signer.crt', writeCertificatePem(signer.certificate));
      write('signer.key', writePrivateKey(signer.privateKey));
      write('payload', payload);
      const keys = ['-signer', 'signer.crt', '-inkey', 'signer.key', '-in', 'payload'];
      const output = ['-outform', 'DER', '-out', 'made.p7s'];
      const sign = (...more: string[]): Buffer => {
        expect(openssl('cms', '-sign', '-binary', '-md', 'sha512', ...keys, ...output, ...more).status).toBe(0);
        return read('made.p7s');
      };
      const { certificates, signers } = readSignedData(sign('-cades', '-nosmimecap'));
      expect(certificates.map((one) => Buffer.from(one))).toEqual([Buffer.from(signer.certificate.bytes)]);
      expect(Buffer.from(signers[0]!.issuerAndSerial)).toEqual(Buffer.from(signer.certificate.issuerAndSerial));
      const refusal = async (bytes: Uint8Array): Promise<string> =>
        (await imageErrorOf(() => readEnvelope(bytes))).reason;
      expect(await refusal(sign('-cades', '-nosmimecap'))).toBe('signed attributes: CMSAlgorithmProtection is missing');
      expect(await refusal(sign('-nosmimecap'))).toBe('signed attributes: signingCertificateV2 is missing');
      expect(await refusal(sign('-cades'))).toMatch(/1\.2\.840\.113549\.1\.9\.15 is not allowed/);
      expect(await refusal(sign('-cades', '-nodetach'))).toMatch(/encapsulated content/);
      expect(await refusal(sign('-cades', '-keyid'))).toMatch(/the version is not 1/);
      expect(await refusal(sign('-noattr'))).toMatch(/\[0\] expected/);
    },
  );
});
