import { FileError, ImageError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { DEFAULT_DIGEST, digestBytes } from '../../images/algorithms/digests.ts';
import { imageExtension } from '../../images/image-types.ts';
import {
  exportAttributes,
  type ImageDescription,
  type ImageSigner,
  type NewKey,
  type SignedImage,
  signImage,
} from '../../images/sign.ts';
import type { DigestName, ImageType } from '../../images/types.ts';
import { named } from '../../images/verified.ts';
import { UsageError } from '../getopt.ts';
import type { Reporter } from '../report.ts';
import {
  descriptionOptions,
  readDescription,
  readDigest,
  readNewKeys,
  readSigners,
  readType,
  signerOptions,
} from './description.ts';
import { chunksOf, openInput } from './input.ts';
import { oneOperand, type Read, readOptions } from './options.ts';
import { inputsOf, refuseInputs, whole } from './output.ts';
import { writeImage } from './write-image.ts';

const known = [...signerOptions, ...descriptionOptions, 'product:', 'type:', 'bundle:', 'out|o:', 'quiet|q'];

/** `sealift image sign`. @returns undefined where help is wanted */
export async function sign(
  args: readonly string[],
  reporter: Reporter,
  signal: AbortSignal,
): Promise<number | undefined> {
  const read = readOptions(args, known);
  if (read === undefined) return undefined;
  const source = oneOperand(read, 'FILE');
  const signers = await readSigners(read);
  const type = readType(read, signers);
  const out = read.text('out') ?? defaultOut(source, type, signers);
  const newKeys = await readNewKeys(read.texts('bundle'), 'special');
  const description = readDescription(read, type, out);
  await signTo({ source, out, description, signers, newKeys, digest: readDigest(read), signal }, read, reporter);
  return 0;
}

/** `app.js` becomes `app.SPA`. */
function defaultOut(source: string, type: ImageType, signers: readonly ImageSigner[]): string {
  const version = signers[0]?.certificate.purpose?.version;
  if (source === '-' || version === undefined) throw new UsageError('--out is missing');
  return `${source.replace(/(?<=[^/])\.[^./]*$/, '')}.${imageExtension(type, version)}`;
}

/** What is to be signed, and by whom. */
export interface Signing {
  /** A path, or `-`, or the content itself. */
  readonly source: string | Uint8Array;
  readonly out: string;
  readonly description: ImageDescription;
  readonly signers: readonly ImageSigner[];
  readonly newKeys: readonly NewKey[];
  readonly digest: DigestName | undefined;
  readonly signal: AbortSignal;
}

/** Signs, writes the image and says what it is. @throws {FileError | ImageError} */
export async function signTo(signing: Signing, read: Read, reporter: Reporter): Promise<void> {
  const { source, out, description, signers, newKeys, digest = DEFAULT_DIGEST, signal } = signing;
  await refuseInputs(out, [...(typeof source === 'string' ? [source] : []), ...inputsOf(read)]);
  // What would be refused at the end is refused before gigabytes are read.
  const payload = { digest, value: new Uint8Array(digestBytes(digest)), size: 0 };
  const name = typeof source === 'string' ? source : out;
  for (const [index, signer] of signers.entries()) {
    try {
      exportAttributes({ payload, description, newKeys }, signer);
    } catch (error) {
      const isDescription = error instanceof ImageError && error.code === 'ERR_IMAGE_INFO';
      throw named(error, isDescription ? name : (read.texts('cert')[index] as string));
    }
  }
  const seal = (hashed: Parameters<typeof signImage>[0]['payload']): SignedImage =>
    signImage({ payload: hashed, description, newKeys }, signers);
  const image = await withSource(source, signal, (chunks, name) =>
    writeImage(chunks, digest, seal, { path: out, source: name }),
  );
  tellImage(out, image, read, reporter);
}

/** Says what was written, unless it went to standard output. */
export function tellImage(out: string, image: SignedImage, read: Read, reporter: Reporter): void {
  for (const warning of image.warnings) reporter.notice(`${out}: ${warning}`);
  if (!read.flag('quiet') && out !== '-') process.stdout.write(`${printable(out)}: ${describeImage(image)}\n`);
}

async function withSource<T>(
  source: string | Uint8Array,
  signal: AbortSignal,
  use: (chunks: AsyncIterable<Uint8Array>, name: string) => Promise<T>,
): Promise<T> {
  if (typeof source !== 'string') return await use(whole(source), 'payload');
  const input = await openInput(source, signal);
  try {
    return await use(checked(source, chunksOf(input), input.kind === 'file' ? input.size : undefined), source);
  } finally {
    await input.close();
  }
}

/** A file that becomes shorter while it is read must not be signed as far as it went. */
async function* checked(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  size: number | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    yield chunk;
  }
  if (size !== undefined && bytes !== size)
    throw new FileError(path, 'read', 'ERR_FILE_CHANGED', { reason: `ends after ${bytes} of ${size} bytes` });
}

/** In a few words. */
function describeImage({ info }: Pick<SignedImage, 'info'>): string {
  const brings = info.bundledKeys.map(({ type, version }) => `, brings ${type} key ${version}`).join('');
  return `${info.type} image for ${info.product}, version ${info.version}, key version ${info.keyVersion}, ${info.size} bytes${brings}`;
}
