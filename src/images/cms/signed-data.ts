import { ImageError } from '../../base/errors.ts';
import { checkDer, compareEncodings } from '../der/check.ts';
import { DerReader } from '../der/reader.ts';
import { contextConstructed, Tag } from '../der/tags.ts';
import { explicit, objectIdentifier, retagged, sequence, setOf, unsigned } from '../der/writer.ts';
import { MAX_ENVELOPE_BYTES, MIN_ENVELOPE_BYTES } from '../footer.ts';
import { Oid } from '../oids.ts';
import { readSignerInfo, type SignerInfo } from './signer-info.ts';

/** Signers of one envelope. */
export const MAX_SIGNERS = 8;

/** Certificates in one envelope. */
export const MAX_CERTIFICATES = 16;

/** SignedData as the format allows it (RFC 5652, 5.1), cut into its parts and not yet understood. */
export interface SignedData {
  /** AlgorithmIdentifier, DER: one for all signers. */
  readonly digestAlgorithm: Uint8Array;
  /** Certificates, DER, in ascending order. */
  readonly certificates: readonly Uint8Array[];
  /** In ascending order of their encodings. */
  readonly signers: readonly SignerInfo[];
}

function refuse(reason: string): ImageError {
  return new ImageError('', 'ERR_IMAGE_ENVELOPE', reason);
}

/** The elements of a SET OF, which must differ. */
function readDistinct(set: DerReader, tag: number, max: number, what: string): Uint8Array[] {
  const found: Uint8Array[] = [];
  while (!set.atEnd) {
    if (found.length === max) throw refuse(`more than ${max} ${what}`);
    const { bytes } = set.element(tag);
    const last = found.at(-1);
    // [0] IMPLICIT SET OF does not look like a SET to who checks DER alone.
    if (last !== undefined && compareEncodings(last, bytes) >= 0) throw refuse(`${what}: out of order, or one twice`);
    found.push(bytes);
  }
  return found;
}

/**
 * Reads ContentInfo with SignedData (RFC 5652, 3 and 5.1): version 1, one digest algorithm, content of type id-data that
 * is not in it, certificates (RFC 5280) and nothing else in their place, no revocation lists.
 *
 * @throws {ImageError} ERR_IMAGE_DER, ERR_IMAGE_ENVELOPE, ERR_IMAGE_SIGNERS (none)
 */
export function readSignedData(bytes: Uint8Array): SignedData {
  if (bytes.length < MIN_ENVELOPE_BYTES || bytes.length > MAX_ENVELOPE_BYTES) {
    throw refuse(
      `an envelope has ${MIN_ENVELOPE_BYTES} to ${MAX_ENVELOPE_BYTES} octets, not ${bytes.length <= MAX_ENVELOPE_BYTES ? bytes.length : 'more'}`,
    );
  }
  checkDer(bytes);
  const contentInfo = new DerReader(bytes, 'content info', 'ERR_IMAGE_ENVELOPE').enter(Tag.sequence);
  if (contentInfo.oid() !== Oid.signedData) throw refuse('content info: the type is not signed data');
  const wrapper = contentInfo.enter(contextConstructed(0), 'signed data');
  contentInfo.end();
  const signedData = wrapper.enter(Tag.sequence);
  wrapper.end();
  if (signedData.number() !== 1) throw signedData.error('the version is not 1');
  const digestAlgorithms = signedData.enter(Tag.set);
  const digestAlgorithm = digestAlgorithms.element(Tag.sequence).bytes;
  digestAlgorithms.end();
  const content = signedData.enter(Tag.sequence, 'encapsulated content');
  if (content.oid() !== Oid.data) throw content.error('the type is not data');
  content.end();
  const certificates = readDistinct(
    signedData.enter(contextConstructed(0), 'certificates'),
    Tag.sequence,
    MAX_CERTIFICATES,
    'certificates',
  );
  const signers = readDistinct(signedData.enter(Tag.set, 'signers'), Tag.sequence, MAX_SIGNERS, 'signers');
  signedData.end();
  if (signers.length === 0) throw new ImageError('', 'ERR_IMAGE_SIGNERS', 'no signer');
  return { digestAlgorithm, certificates, signers: signers.map(readSignerInfo) };
}

/** Writes ContentInfo with SignedData. The inverse of {@link readSignedData}. */
export function writeSignedData(
  digestAlgorithm: Uint8Array,
  certificates: readonly Uint8Array[],
  signers: readonly Uint8Array[],
): Uint8Array {
  const signedData = sequence(
    unsigned(Uint8Array.of(1)),
    setOf([digestAlgorithm]),
    sequence(objectIdentifier(Oid.data)),
    retagged(setOf(certificates), contextConstructed(0)),
    setOf(signers),
  );
  return sequence(objectIdentifier(Oid.signedData), explicit(0, signedData));
}
