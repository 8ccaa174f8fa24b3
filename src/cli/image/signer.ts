import { ImageError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { ImageSigner } from '../../images/sign.ts';
import { certificateAt, reading, readSmall } from './input.ts';
import { passphraseOf } from './passphrase.ts';

/** @throws {FileError | ImageError | TypeError} a key that is not the one of the certificate, too */
export async function signerAt(
  keyPath: string,
  certificatePath: string,
  passphraseFile: string | undefined,
): Promise<ImageSigner> {
  const { isEncrypted, publicKeyOf, readPrivateKey } = await import('../../images/algorithms/private-key.ts');
  const certificate = await certificateAt(certificatePath);
  const pem = (await readSmall(keyPath)).toString('latin1');
  const passphrase = isEncrypted(pem) ? await passphraseOf(keyPath, passphraseFile) : undefined;
  const privateKey = await reading(keyPath, () => readPrivateKey(pem, passphrase));
  if (Buffer.compare(publicKeyOf(privateKey).spki, certificate.publicKey.spki) !== 0) {
    const reason = `it is not the key of the certificate ${printable(certificatePath)}`;
    throw new ImageError(printable(keyPath), 'ERR_IMAGE_CERTIFICATE', reason);
  }
  return { certificate, privateKey };
}
