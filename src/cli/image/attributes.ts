import { DEFAULT_DIGEST } from '../../images/algorithms/digests.ts';
import {
  attachSignatures,
  digestPayload,
  exportAttributes,
  type PayloadDigest,
  readExportedAttributes,
  type SignedImage,
  type SignedPart,
} from '../../images/sign.ts';
import type { Certificate } from '../../images/x509/certificate.ts';
import { UsageError } from '../getopt.ts';
import type { Reporter } from '../report.ts';
import { descriptionOptions, noPurpose, readDescription, readDigest, readNewKeys, readType } from './description.ts';
import { certificateAt, chunksOf, openInput, reading, readSmall } from './input.ts';
import { oneOperand, type Read, readOptions } from './options.ts';
import { inputsOf, refuseInputs, whole, writeOutput } from './output.ts';
import { tellImage } from './sign.ts';
import { writeImage } from './write-image.ts';

const exportKnown = [...descriptionOptions, 'cert:', 'product:', 'type:', 'bundle:', 'new-key:', 'out|o:'];
const attachKnown = ['attrs:', 'signature:', 'cert:', 'bundle:', 'new-key:', 'out|o:', 'quiet|q'];

/** `sealift image export-attrs`. @returns undefined where help is wanted */
export async function exportAttrs(
  args: readonly string[],
  reporter: Reporter,
  signal: AbortSignal,
): Promise<number | undefined> {
  const read = readOptions(args, exportKnown);
  if (read === undefined) return undefined;
  const source = oneOperand(read, 'FILE');
  const out = read.needed('out');
  const certificate = await certificateAt(read.needed('cert'));
  if (certificate.purpose === undefined) throw noPurpose(read.needed('cert'));
  const isRevocation = certificate.purpose.type === 'rollover';
  const type = isRevocation ? 'revocation' : readType(read, [{ certificate }]);
  const [takes, other] = isRevocation ? ['new-key', 'bundle'] : ['bundle', 'new-key'];
  if (read.texts(other).length > 0)
    throw new UsageError(`--${other}: an image of type ${type} brings keys by --${takes}, if any`);
  const newKeys = await readNewKeys(read.texts(takes), isRevocation ? 'production' : 'special');
  await refuseInputs(out, [source, ...inputsOf(read)]);
  const description = readDescription(read, type, source);
  const input = await openInput(source, signal);
  try {
    const payload = await digestPayload(chunksOf(input), readDigest(read) ?? DEFAULT_DIGEST);
    await writeOutput(out, whole(exportAttributes({ payload, description, newKeys }, { certificate })));
    reporter.notice(`${out}: to be signed by the key of ${read.needed('cert')}`);
  } finally {
    await input.close();
  }
  return 0;
}

/** `sealift image attach-signature`. @returns undefined where help is wanted */
export async function attachSignature(
  args: readonly string[],
  reporter: Reporter,
  signal: AbortSignal,
): Promise<number | undefined> {
  const read = readOptions(args, attachKnown);
  if (read === undefined) return undefined;
  const source = oneOperand(read, 'FILE');
  const out = read.needed('out');
  const parts = await readParts(read);
  const bundled = [...read.texts('bundle'), ...read.texts('new-key')];
  const newKeys: Certificate[] = [];
  for (const path of bundled) newKeys.push(await certificateAt(path));
  const first = parts[0] as SignedPart;
  const { payload } = await reading(read.texts('attrs')[0] as string, () =>
    readExportedAttributes(first.attributes, first.certificate),
  );
  const seal = (hashed: PayloadDigest): SignedImage => attachSignatures(hashed, parts, newKeys);
  await refuseInputs(out, [source, ...inputsOf(read)]);
  const input = await openInput(source, signal);
  try {
    const image = await reading(source, () => writeImage(chunksOf(input), payload.digest, seal, { path: out, source }));
    tellImage(out, image, read, reporter);
  } finally {
    await input.close();
  }
  return 0;
}

async function readParts(read: Read): Promise<readonly SignedPart[]> {
  const [attrs, signatures, certificates] = [read.texts('attrs'), read.texts('signature'), read.texts('cert')];
  if (attrs.length === 0) throw new UsageError('--attrs is missing');
  if (attrs.length !== signatures.length || attrs.length !== certificates.length)
    throw new UsageError('each --attrs needs its --signature and its --cert');
  const parts: SignedPart[] = [];
  for (const [index, path] of attrs.entries())
    parts.push({
      attributes: await readSmall(path),
      signature: await readSmall(signatures[index] as string),
      certificate: await certificateAt(certificates[index] as string),
    });
  return parts;
}
