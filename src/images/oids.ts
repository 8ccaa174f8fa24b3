/** Object identifiers of the format, each with the document that assigns it. */
export const Oid = {
  /** RFC 5652, 4 and 5.1. */
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  /** RFC 5652, 11. */
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  /** RFC 5035, 3. */
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  /** RFC 6211, 2. */
  algorithmProtection: '1.2.840.113549.1.9.52',
  /** RFC 5754, 2. */
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
  /** RFC 3279, 2.3.1; RFC 5754, 3.2. */
  rsaEncryption: '1.2.840.113549.1.1.1',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  sha384WithRsa: '1.2.840.113549.1.1.12',
  sha512WithRsa: '1.2.840.113549.1.1.13',
  /** RFC 4055, 1.2. */
  rsaPss: '1.2.840.113549.1.1.10',
  /** RFC 5480, 2.1.1. */
  ecPublicKey: '1.2.840.10045.2.1',
  p256: '1.2.840.10045.3.1.7',
  p384: '1.3.132.0.34',
  /** RFC 5754, 3.3. */
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  ecdsaWithSha384: '1.2.840.10045.4.3.3',
  ecdsaWithSha512: '1.2.840.10045.4.3.4',
  /** RFC 8410, 3. */
  ed25519: '1.3.101.112',
  /** RFC 9881, 2. */
  mlDsa44: '2.16.840.1.101.3.4.3.17',
  mlDsa65: '2.16.840.1.101.3.4.3.18',
  mlDsa87: '2.16.840.1.101.3.4.3.19',
  /** RFC 5280, appendix A.1. */
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  organizationalUnit: '2.5.4.11',
  /** RFC 5280, 4.2.1. */
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  anyExtendedKeyUsage: '2.5.29.37.0',
} as const;

/**
 * The arc of the format. Below 2.25 anybody has an arc who has a UUID (X.667, 7): this one is
 * bbbc466d-2ccc-4632-a2c6-1e7f2f4b71a9, as a decimal number.
 */
export const FORMAT_ARC = '2.25.249543215439590078297978795333507576233';

/** The signed attribute imageInfo. */
export const IMAGE_INFO_OID: string = `${FORMAT_ARC}.1`;

/** The extension of a certificate that says what type and version its key is meant for. */
export const KEY_PURPOSE_OID: string = `${FORMAT_ARC}.2`;
