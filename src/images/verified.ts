import { ImageError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { nameWarning } from './image-types.ts';
import type { DigestName, VerifiedEnvelope, VerifiedImage, VerifiedSigner } from './types.ts';

/** The payload is not what was signed. Displays show both digests. */
export class ImageDigestError extends ImageError {
  readonly digest: DigestName;
  readonly computed: Uint8Array;
  readonly embedded: Uint8Array;

  constructor(subject: string, digest: DigestName, computed: Uint8Array, embedded: Uint8Array) {
    super(subject, 'ERR_IMAGE_DIGEST', 'the payload is not what was signed', { cure: 'get the file once more' });
    this.digest = digest;
    this.computed = computed;
    this.embedded = embedded;
  }
}

/** The same error, told of what has this name. Errors that are told of something already pass unchanged. */
export function named(error: unknown, name: string): unknown {
  if (!(error instanceof ImageError) || error.subject !== '' || name === '') return error;
  const { code, reason, cure, cause } = error;
  const options = { ...(cause === undefined ? {} : { cause }), ...(cure === undefined ? {} : { cure }) };
  return new ImageError(printable(name), code as ConstructorParameters<typeof ImageError>[1], reason, options);
}

type DatedCertificate = Pick<VerifiedSigner, 'serialNumber' | 'notBefore' | 'notAfter'>;

/** Words on certificates that are out of their dates. The dates decide nothing. */
export function dateWarnings(signers: readonly DatedCertificate[], now: Date): string[] {
  return signers.flatMap(({ serialNumber, notBefore, notAfter }) => {
    const day = (date: Date): string => date.toISOString().slice(0, 10);
    if (now > notAfter) return [`the certificate ${serialNumber} has expired on ${day(notAfter)}`];
    return now < notBefore ? [`the certificate ${serialNumber} is valid only from ${day(notBefore)}`] : [];
  });
}

/**
 * What is known when the payload was hashed too.
 *
 * @throws {ImageDigestError}
 */
export function withPayload(
  { signedDigest, digest, ...envelope }: VerifiedEnvelope,
  computed: Uint8Array,
  options: { readonly name: string; readonly now: Date },
): VerifiedImage {
  if (Buffer.compare(computed, signedDigest) !== 0) {
    throw new ImageDigestError(printable(options.name), digest, computed, signedDigest);
  }
  const versions = envelope.signers.map(({ key }) => key.version);
  const aboutName = nameWarning(options.name, envelope.info.type, versions);
  const warnings = [...(aboutName === undefined ? [] : [aboutName]), ...dateWarnings(envelope.signers, options.now)];
  return { ...envelope, payloadDigest: computed, warnings };
}
