import { FileError } from '../../base/errors.ts';
import { DEFAULT_DIGEST } from '../../images/algorithms/digests.ts';
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
import { writeImage } from './write-image.ts';

const known = [...signerOptions, ...descriptionOptions, 'product:', 'type:', 'bundle:', 'out|o:', 'quiet|q'];

/** `sealift image sign`. @returns undefined where help is wanted */
export async function sign(args: readonly string[], reporter: Reporter): Promise<number | undefined> {
  const read = readOptions(args, known);
  if (read === undefined) return undefined;
  const source = oneOperand(read, 'FILE');
  const signers = await readSigners(read);
  const type = readType(read, signers);
  const out = read.text('out') ?? defaultOut(source, type, signers);
  const newKeys = await readNewKeys(read.texts('bundle'), 'special');
  const description = readDescription(read, type, out);
  await signTo({ source, out, description, signers, newKeys, digest: readDigest(read) }, read, reporter);
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
}

/** Signs, writes the image and says what it is. @throws {FileError | ImageError} */
export async function signTo(signing: Signing, read: Read, reporter: Reporter): Promise<void> {
  const { source, out, description, signers, newKeys, digest = DEFAULT_DIGEST } = signing;
  // What would be refused at the end is refused before gigabytes are read.
  const payload = { digest, value: new Uint8Array(64).subarray(0, digestLength(digest)), size: 0 };
  for (const signer of signers) exportAttributes({ payload, description, newKeys }, signer);
  const seal = (hashed: Parameters<typeof signImage>[0]['payload']): SignedImage =>
    signImage({ payload: hashed, description, newKeys }, signers);
  const image = await withSource(source, (chunks, name) =>
    writeImage(chunks, digest, seal, { path: out, source: name }),
  );
  for (const warning of image.warnings) reporter.notice(`${out}: ${warning}`);
  if (!read.flag('quiet') && out !== '-') process.stdout.write(`${out}: ${describeImage(image)}\n`);
}

function digestLength(digest: DigestName): number {
  return Number(digest.slice(3)) / 8;
}

async function withSource<T>(
  source: string | Uint8Array,
  use: (chunks: AsyncIterable<Uint8Array>, name: string) => Promise<T>,
): Promise<T> {
  if (typeof source !== 'string') return await use(once(source), 'payload');
  const input = await openInput(source);
  try {
    return await use(checked(source, chunksOf(input), input.kind === 'file' ? input.size : undefined), source);
  } finally {
    await input.close();
  }
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield content;
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
export function describeImage({ info }: Pick<SignedImage, 'info'>): string {
  const brings = info.bundledKeys.map(({ type, version }) => `, brings ${type} key ${version}`).join('');
  return `${info.type} image for ${info.product}, version ${info.version}, key version ${info.keyVersion}, ${info.size} bytes${brings}`;
}
