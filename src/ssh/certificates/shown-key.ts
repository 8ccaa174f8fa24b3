import { ProtocolError } from '../../base/errors.ts';
import { blobType, keyTypeLabel } from '../known-hosts/fingerprint.ts';
import { isCertificateName, plainName } from './names.ts';
import { type Certificate, parseCertificate } from './parse.ts';

/** What a server showed as its host key: a plain key, or one in a certificate. */
export interface ShownKey {
  /** The plain public key blob, whose private half the server has proved to hold. */
  readonly key: Buffer;
  /** The type of the plain key. */
  readonly type: string;
  /** Only read, not judged. */
  readonly certificate: Certificate | undefined;
  /** What may be revoked: the key, and with a certificate the certificate itself and its authority. */
  readonly revocable: readonly { readonly what: string; readonly blob: Buffer }[];
}

/**
 * Tells a plain key from a certificate. Any blob with the name of a plain type passes: it is compared byte for byte.
 *
 * @throws {ProtocolError} for a certificate that is none, and for a blob without a type
 */
export function readShownKey(blob: Buffer): ShownKey {
  const type = blobType(blob);
  if (type === undefined) throw new ProtocolError('the host key is malformed');
  const own = { what: `the ${keyTypeLabel(plainName(type))} host key`, blob };
  if (!isCertificateName(type)) return { key: blob, type, certificate: undefined, revocable: [own] };
  const certificate = parseCertificate(blob);
  const { key, authority } = certificate;
  const revocable = [
    { ...own, blob: key },
    { what: 'the certificate of the host', blob },
    { what: "the authority of the host's certificate", blob: authority.blob },
  ];
  return { key, type: plainName(type), certificate, revocable };
}
