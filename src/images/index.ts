// What `import … from 'sealift/images'` gives: signed images, key storages, and the decision what may start.
export { FileError, ImageError, type ImageErrorCode } from '../base/errors.ts';
export type { Directory, FileSystem, OpenFile } from '../files/file-system.ts';
export { localFileSystem } from '../files/local.ts';
export {
  generatePrivateKey,
  type NewKeyAlgorithm,
  newKeyAlgorithms,
  readPrivateKey,
  writePrivateKey,
} from './algorithms/private-key.ts';
export { type BootEntry, bootEntry } from './boot/boot-entry.ts';
export { type BootStorage, openBootStorage } from './boot/boot-storage.ts';
export { bootDecisionLines } from './boot/boot-text.ts';
export { type BootDecision, type BootOptions, type BootPolicy, type BootRefusal, decideBoot } from './boot/decide.ts';
export type { BootPayload } from './boot/payload.ts';
export { beginTry, forgetTries, reportGood } from './boot/tries.ts';
export { authenticityLines, authenticityOfFile } from './display.ts';
export { type InspectedImage, inspectImageFile } from './inspect.ts';
export { addKeys, type KeyChange, type KeyCommandOptions } from './keys/add.ts';
export { minCounterOf, raiseCounters } from './keys/counters.ts';
export type { KeyEvent, KeyObserver, PlatformProfile } from './keys/events.ts';
export { type DeviceContext, type ImageInUse, imageInUse } from './keys/in-use.ts';
export { type InitKeyStorageOptions, initKeyStorage } from './keys/init.ts';
export { type OpenKeyStorageOptions, openKeyStorage } from './keys/open.ts';
export { revokeKeys } from './keys/revoke.ts';
export type { RootKey } from './keys/root-file.ts';
export type { KeyStorage } from './keys/storage.ts';
export { keyEventLines } from './keys/transcript.ts';
export { type UpgradeContext, type UpgradeStatus, upgradeStatus } from './keys/upgrade-status.ts';
export {
  attachSignatures,
  digestPayload,
  exportAttributes,
  type ImageDescription,
  type ImageSigner,
  type NewKey,
  type PayloadDigest,
  type SignedImage,
  type SignedPart,
  type SigningRequest,
  signImage,
} from './sign.ts';
export type {
  BundledKey,
  DigestName,
  ImageInfo,
  ImagePolicy,
  ImageType,
  KeyLookup,
  KeyType,
  TrustedKey,
  VerifiedEnvelope,
  VerifiedImage,
  VerifiedSigner,
} from './types.ts';
export { ImageDigestError } from './verified.ts';
export { verifyEnvelope } from './verify-envelope.ts';
export { type VerifyFileOptions, verifyImageFile } from './verify-file.ts';
export { ImageVerifier, type ImageVerifierOptions } from './verify-stream.ts';
export { type Certificate, readCertificate } from './x509/certificate.ts';
export { makeCertificate, type NewCertificate } from './x509/make-certificate.ts';
export { readCertificateFile, writeCertificatePem } from './x509/pem.ts';
