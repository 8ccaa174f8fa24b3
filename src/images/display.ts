import { printable } from '../base/printable.ts';
import { digestTitle } from './algorithms/digests.ts';
import { keyTypeFor } from './image-types.ts';
import type { InspectedImage } from './inspect.ts';
import type { DigestName, ImageType, KeyType, SignerName, VerifiedEnvelope, VerifiedImage } from './types.ts';

/** Characters before the colon of a line. */
const LABEL_WIDTH = 30;

/** The words of `show software authenticity` for the types of keys and of what they sign. */
const typeWords: Readonly<Record<KeyType, string>> = {
  production: 'Release',
  special: 'Development',
  rollover: 'Revocation',
};

/** How displays name the type of an image. */
export function imageTypeWord(type: ImageType): string {
  return typeWords[keyTypeFor(type)];
}

/** One line of a display. The value cannot begin another one, and not act on a terminal. */
export function displayLine(indent: number, label: string, value: string): string {
  return `${' '.repeat(indent)}${label}`.padEnd(LABEL_WIDTH) + `: ${printable(value)}`.trimEnd();
}

interface ShownSigner {
  readonly name: SignerName;
  readonly serialNumber: string;
  readonly signatureAlgorithm: string;
  readonly keyVersion: string;
}

function signerLines(
  { name, serialNumber, signatureAlgorithm, keyVersion }: ShownSigner,
  digest: DigestName,
): string[] {
  return [
    '    Signer Information',
    displayLine(8, 'Common Name', name.commonName),
    displayLine(8, 'Organization Unit', name.organizationalUnit),
    displayLine(8, 'Organization Name', name.organization),
    displayLine(4, 'Certificate Serial Number', serialNumber),
    displayLine(4, 'Hash Algorithm', digestTitle(digest)),
    displayLine(4, 'Signature Algorithm', signatureAlgorithm),
    displayLine(4, 'Key Version', keyVersion),
  ];
}

/** What can be displayed: what was verified, an envelope that was, or one that was only read. */
export type ShownImage = VerifiedImage | VerifiedEnvelope | InspectedImage;

function shownSigners(image: ShownImage): readonly (ShownSigner & { readonly digest: DigestName })[] {
  if (!('info' in image)) return image.signers.map((signer) => ({ ...signer, digest: image.digest }));
  return image.signers.map((signer) => ({ ...signer, keyVersion: signer.key.version }));
}

/** The lines from `Image type` to `Key Version`, which `show software authenticity file` and `running` have in common; the signer's for each signer. */
export function authenticityLines(image: ShownImage): readonly string[] {
  const type = 'info' in image ? image.info.type : image.type;
  const signers = shownSigners(image).flatMap((signer) => signerLines(signer, signer.digest));
  return [displayLine(0, 'Image type', imageTypeWord(type)), ...signers];
}

/** The display of `show software authenticity file`: lines that end in LF. */
export function authenticityOfFile(fileName: string, image: ShownImage): string {
  return [displayLine(0, 'File Name', fileName), ...authenticityLines(image), ''].join('\n');
}
