import { Certificate, ContentInfo, SignedData } from 'pkijs';
import { describe, expect, it } from 'vitest';
import { makeSigner, signed } from '../support/image-keys.ts';

const payload = Buffer.from('console.log("signed");\n'.repeat(1000));

/** Another implementation of CMS, on WebCrypto, as a second oracle beside openssl. */
function parse(envelope: Uint8Array): SignedData {
  const contentInfo = ContentInfo.fromBER(Uint8Array.from(envelope));
  return new SignedData({ schema: contentInfo.content });
}

async function verify(envelope: Uint8Array, content: Uint8Array, signer = 0): Promise<boolean> {
  const data = Uint8Array.from(content).buffer;
  return await parse(envelope)
    .verify({ signer, data, checkChain: false })
    .catch(() => false);
}

describe.each(['rsa-2048', 'ecdsa-p256', 'ecdsa-p384'] as const)('pkijs and an image signed with %s', (algorithm) => {
  it.each(['sha256', 'sha384', 'sha512'] as const)(
    'verifies it with %s, and refuses what was changed',
    async (digest) => {
      const { envelope } = await signed(payload, [await makeSigner(algorithm)], { digest });
      expect(await verify(envelope, payload)).toBe(true);
      expect(await verify(envelope, Buffer.concat([payload, Buffer.of(0)]))).toBe(false);
      const changed = Buffer.from(envelope);
      changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
      expect(await verify(changed, payload)).toBe(false);
    },
  );

  it('reads the certificate and verifies its own signature', async () => {
    const { certificate } = await makeSigner(algorithm);
    const parsed = Certificate.fromBER(Uint8Array.from(certificate.bytes));
    expect(await parsed.verify()).toBe(true);
    expect(Buffer.from(parsed.serialNumber.valueBlock.valueHexView).toString('hex').toUpperCase()).toBe(
      certificate.serialNumber,
    );
  });
});

describe('pkijs and an image of several signers with new keys', () => {
  it('verifies each of them, and finds what is in it', async () => {
    const signers = [await makeSigner('rsa-2048'), await makeSigner('ecdsa-p384')];
    const { envelope } = await signed(payload, signers, { newKeys: [await makeSigner('ed25519', 'special', 'B')] });
    expect(await verify(envelope, payload, 0)).toBe(true);
    expect(await verify(envelope, payload, 1)).toBe(true);
    const { certificates, signerInfos, crls } = parse(envelope);
    expect({ certificates: certificates?.length, signers: signerInfos.length, crls }).toEqual({
      certificates: 3,
      signers: 2,
    });
  });
});
