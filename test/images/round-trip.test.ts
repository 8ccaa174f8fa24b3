import { describe, expect, it } from 'vitest';
import { type NewKeyAlgorithm, newKeyAlgorithms } from '../../src/images/algorithms/private-key.ts';
import { inspectImageFile } from '../../src/images/inspect.ts';
import { verifyEnvelope } from '../../src/images/verify-envelope.ts';
import { verifyImageFile } from '../../src/images/verify-file.ts';
import { ImageVerifier } from '../../src/images/verify-stream.ts';
import { describedAs, lookupOf, makeSigner, signed, signerName, testTime, trusted } from '../support/image-keys.ts';
import { memoryImage } from '../support/memory-image.ts';
import { hasMlDsa } from '../support/ml-dsa.ts';
import { plain } from '../support/plain.ts';

const titles: Readonly<Record<NewKeyAlgorithm, string>> = {
  'rsa-2048': '2048-bit RSA',
  'rsa-3072': '3072-bit RSA',
  'rsa-4096': '4096-bit RSA',
  'ecdsa-p256': 'ECDSA P-256',
  'ecdsa-p384': 'ECDSA P-384',
  ed25519: 'Ed25519',
  'ml-dsa-44': 'ML-DSA-44',
  'ml-dsa-65': 'ML-DSA-65',
  'ml-dsa-87': 'ML-DSA-87',
};

const usable = newKeyAlgorithms.filter((algorithm) => hasMlDsa || !algorithm.startsWith('ml-dsa-'));
const payload = Buffer.from('console.log("hello");\n'.repeat(10_000));

describe.each(usable)('an image signed with %s', (algorithm) => {
  it('is verified as a file, as a stream and by its envelope alone', async () => {
    const signer = await makeSigner(algorithm);
    const lookup = lookupOf([trusted(signer)]);
    const image = await signed(payload, [signer]);
    const fromFile = await verifyImageFile(memoryImage(image.file), { lookup, now: testTime });
    expect(plain(fromFile.signers)).toEqual(
      plain([
        {
          key: trusted(signer),
          name: signerName,
          serialNumber: signer.certificate.serialNumber,
          digest: 'sha512',
          signatureAlgorithm: titles[algorithm],
          notBefore: testTime,
          notAfter: signer.certificate.notAfter,
        },
      ]),
    );
    expect(fromFile.info).toEqual({
      ...describedAs(),
      fmt: 1,
      keyVersion: 'A',
      size: payload.length,
      bundledKeys: [],
    });
    expect(plain(fromFile.payloadDigest)).toBe(plain(image.payloadDigest));
    expect(fromFile.warnings).toEqual([]);
    const verifier = new ImageVerifier({ lookup, name: 'app.SPA', now: testTime });
    for (let at = 0; at < image.file.length; at += 50_001) verifier.write(image.file.subarray(at, at + 50_001));
    expect(plain(verifier.end())).toEqual(plain(fromFile));
    const { payloadDigest, ...rest } = fromFile;
    expect(plain(verifyEnvelope(image.envelope, lookup, {}))).toEqual(
      plain({
        ...rest,
        signedDigest: payloadDigest,
        digest: 'sha512',
      }),
    );
    const inspected = await inspectImageFile(memoryImage(image.file));
    expect(inspected).toMatchObject({ type: 'production', product: 'NX3900', hashAlgorithm: 'SHA512' });
  });
});
