import { createPrivateKey } from 'node:crypto';
import { time } from '../../src/images/der/writer.ts';
import { Oid } from '../../src/images/oids.ts';
import type { ImageSigner } from '../../src/images/sign.ts';
import { makeCertificate, NO_EXPIRY } from '../../src/images/x509/make-certificate.ts';
import { forge, infoOf } from './forged-image.ts';

/** PKCS #8 of Ed25519 (RFC 8410, 7), in front of the 32 octets of the key. */
const pkcs8Front = '302e020100300506032b657004220420';

/** The example of docs/protocols/image-format.md: Ed25519 signs the same way each time, so every octet of it is known. The key is that of RFC 8032, 7.1, TEST 1, with which nothing is signed that counts: so it is made past our own signing. */
export async function exampleImage(): Promise<{ readonly signer: ImageSigner; readonly file: Buffer }> {
  const secret = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
  const privateKey = createPrivateKey({ key: Buffer.from(pkcs8Front + secret, 'hex'), format: 'der', type: 'pkcs8' });
  const certificate = makeCertificate({
    privateKey,
    name: { commonName: 'Example Maker', organizationalUnit: 'NX3900', organization: 'Example Networks' },
    purpose: { type: 'production', version: 'A' },
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: NO_EXPIRY,
    serial: Buffer.from('11223344', 'hex'),
  });
  const content = Buffer.from('hello\n');
  const info = infoOf(content, { name: 'hello.SPA', counter: 7 });
  const values = { [Oid.signingTime]: [time(new Date('2026-01-02T03:04:05Z'))] };
  const signer = { privateKey, certificate };
  return { signer, file: forge(content, signer, { info, values }) };
}
