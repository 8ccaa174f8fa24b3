import { ImageError, type SealiftError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { VerifiedImage, VerifiedSigner } from '../../images/types.ts';
import { ImageDigestError } from '../../images/verified.ts';
import { nameField } from '../json-lines.ts';

/** Hex digits in a line of a display. */
const LINE_DIGITS = 32;

/** A digest as devices show it: lines of 32 digits under each other. */
function hashLines(label: string, hex: string): string {
  const lines = hex.toUpperCase().match(new RegExp(`.{1,${LINE_DIGITS}}`, 'g')) ?? [];
  return lines.map((line, index) => `${index === 0 ? label : ' '.repeat(label.length)}${line}\n`).join('');
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** What a device says of an image that it has verified (seed: copy /verify), and who has signed it. */
export function verificationText(path: string, image: VerifiedImage, md5: string | undefined): string {
  const digest = hex(image.payloadDigest);
  return [
    'Starting image verification\n',
    'Hash Computation:    100% Done!\n',
    hashLines('Computed Hash   SHA2: ', digest),
    hashLines('Embedded Hash   SHA2: ', digest),
    md5 === undefined ? '' : hashLines('CCO Hash        MD5 : ', md5),
    ...image.signers.map((signer) => `Signed with ${describeSigner(signer)}\n`),
    `Digital signature successfully verified in file ${printable(path)}\n`,
  ].join('');
}

function describeSigner({ key, name, serialNumber }: VerifiedSigner): string {
  const who = [name.commonName, name.organizationalUnit, name.organization].filter((text) => text !== '');
  return `${key.type} key version ${key.version}: ${printable(who.join(', '))} (certificate ${serialNumber})`;
}

/** What is there to see of a digest that is another one than was signed. */
export function failureText(error: SealiftError): string {
  if (!(error instanceof ImageDigestError)) return '';
  return (
    hashLines('Computed Hash   SHA2: ', hex(error.computed)) + hashLines('Embedded Hash   SHA2: ', hex(error.embedded))
  );
}

/** A good image, for scripts. */
export function imageJson(path: string, image: VerifiedImage, md5: string | undefined): object {
  const { info, signers, payloadDigest, warnings } = image;
  return {
    ...nameField('image', path),
    good: true,
    info,
    digest: signers[0]?.digest,
    payloadDigest: hex(payloadDigest),
    ...(md5 === undefined ? {} : { md5 }),
    signers: signers.map((signer) => ({
      type: signer.key.type,
      keyVersion: signer.key.version,
      ...signer.name,
      serialNumber: signer.serialNumber,
      signatureAlgorithm: signer.signatureAlgorithm,
      notBefore: signer.notBefore.toISOString(),
      notAfter: signer.notAfter.toISOString(),
    })),
    warnings,
  };
}

/** An image that is not good, or could not be read. */
export function failureJson(path: string, error: SealiftError): object {
  return {
    ...nameField('image', path),
    good: false,
    code: error.code,
    reason: error instanceof ImageError ? error.reason : error.message,
    ...(error.cure === undefined ? {} : { cure: error.cure }),
    ...(error instanceof ImageDigestError ? { computed: hex(error.computed), embedded: hex(error.embedded) } : {}),
  };
}
