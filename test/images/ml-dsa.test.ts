import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { cutTail } from '../../src/images/image-file.ts';
import { inspectEnvelope } from '../../src/images/inspect.ts';
import { readEnvelope } from '../../src/images/read-envelope.ts';
import { lookupOf, trusted } from '../support/image-keys.ts';
import { imageErrorOf, verifyBytes } from '../support/image-refusal.ts';
import { hasMlDsa } from '../support/ml-dsa.ts';

/** Made with Node 24: keys that nobody has any more. */
const file = readFileSync(fileURLToPath(new URL('ml-dsa-44-and-ed25519.SPA', import.meta.url)));
const { envelope } = cutTail(file, file.length);
const signers = readEnvelope(envelope).signers;
const keyOf = (algorithm: string) => {
  const signer = signers.find(({ certificate }) => certificate.publicKey.algorithm === algorithm);
  if (signer === undefined) throw new Error(`${algorithm}: no such signer`);
  return trusted(signer);
};

describe('an image that Ed25519 and ML-DSA-44 have signed', () => {
  it('is read everywhere', () => {
    const titles = inspectEnvelope(envelope).signers.map(({ signatureAlgorithm }) => signatureAlgorithm);
    expect(titles.sort((a, b) => a.localeCompare(b))).toEqual(['Ed25519', 'ML-DSA-44']);
  });

  it('is verified everywhere by who knows only the Ed25519 key', async () => {
    const lookup = lookupOf([keyOf('ed25519')]);
    const verified = await verifyBytes(file, lookup);
    expect(verified.signers.map(({ signatureAlgorithm }) => signatureAlgorithm)).toEqual(['Ed25519']);
  });

  it.skipIf(hasMlDsa)(
    'is refused, and what to do is told, by who knows the ML-DSA key and has a Node without it',
    async () => {
      for (const keys of [[keyOf('ml-dsa-44')], [keyOf('ml-dsa-44'), keyOf('ed25519')]]) {
        expect(await imageErrorOf(() => verifyBytes(file, lookupOf(keys)))).toMatchObject({
          code: 'ERR_IMAGE_ALGORITHM',
          message: 'app.SPA: this Node.js has no ML-DSA-44',
          cure: 'use Node.js 24 or newer',
        });
      }
    },
  );

  it.skipIf(!hasMlDsa)(
    'is verified by both where Node has ML-DSA, and refused when either signature is changed',
    async () => {
      const lookup = lookupOf([keyOf('ml-dsa-44'), keyOf('ed25519')]);
      expect((await verifyBytes(file, lookup, { minSigners: 2 })).signers).toHaveLength(2);
      for (const { signerInfo } of signers) {
        const changed = Buffer.from(file);
        const at = changed.indexOf(signerInfo.signature) + 100 * (signerInfo.signature.length > 100 ? 1 : 0);
        changed[at] = (changed[at] as number) ^ 1;
        expect((await imageErrorOf(() => verifyBytes(changed, lookup))).code).toBe('ERR_IMAGE_SIGNATURE');
      }
    },
  );
});
