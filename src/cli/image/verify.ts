import { createHash, type Hash } from 'node:crypto';
import { FileError, SealiftError } from '../../base/errors.ts';
import { MAX_TAIL_BYTES } from '../../images/footer.ts';
import { MAX_COUNTER } from '../../images/image-info.ts';
import { imageTypes } from '../../images/image-types.ts';
import { inspectImageFile } from '../../images/inspect.ts';
import { minCounterOf } from '../../images/keys/counters.ts';
import type { ImagePolicy, KeyLookup, VerifiedImage } from '../../images/types.ts';
import { verifyImageFile } from '../../images/verify-file.ts';
import { ImageVerifier } from '../../images/verify-stream.ts';
import { UsageError } from '../getopt.ts';
import { jsonLine } from '../json-lines.ts';
import type { Reporter } from '../report.ts';
import { readDigest } from './description.ts';
import { HashProgress } from './hash-progress.ts';
import { certificateAt, chunksOf, type Input, openInput } from './input.ts';
import { type Read, readOptions } from './options.ts';
import { inputsOf, refuseInputs, writeOutput } from './output.ts';
import { tellError } from './tell-error.ts';
import { lookupOf } from './trust.ts';
import { failureJson, failureText, imageJson, verificationText } from './verify-text.ts';

const known = [
  'store:',
  'nvram:',
  'cert:',
  'product:',
  'type:',
  'min-signers:',
  'min-counter:',
  'max-size:',
  'digest:',
  'md5',
  'extract:',
  'json',
  'quiet|q',
];

/** `sealift image verify`. @returns undefined where help is wanted */
export async function verify(
  args: readonly string[],
  reporter: Reporter,
  signal: AbortSignal,
): Promise<number | undefined> {
  const read = readOptions(args, known);
  if (read === undefined) return undefined;
  if (read.operands.length === 0) throw new UsageError('IMAGE is missing');
  if (read.text('extract') !== undefined && read.operands.length > 1)
    throw new UsageError('--extract takes one image at a time');
  if (read.text('extract') === '-')
    throw new UsageError('--extract needs a file: what is not verified yet must not be used');
  readDigest(read);
  const { lookup, seen } = await readTrust(read, reporter);
  const policy = readPolicy(read, seen);
  let status = 0;
  for (const path of read.operands) {
    if (!(await verifyOne(path, { read, policy, lookup, reporter, signal }))) status = 1;
  }
  return status;
}

function readPolicy(read: Read, seen: MinCounter): ImagePolicy {
  const types = read.texts('type').map((given) => {
    const type = imageTypes.find((one) => one === given);
    if (type === undefined) throw new UsageError(`--type ${given}: not one of ${imageTypes.join(', ')}`);
    return type;
  });
  const least = read.number('min-counter', 0, MAX_COUNTER) ?? 0;
  return {
    product: read.text('product'),
    minSigners: read.number('min-signers', 1, 8),
    maxSize: read.number('max-size', 0, Number.MAX_SAFE_INTEGER),
    ...(types.length === 0 ? {} : { types }),
    minCounter: (type, version) => Math.max(least, seen(type, version)),
  };
}

type MinCounter = NonNullable<ImagePolicy['minCounter']>;

interface Trust {
  readonly lookup: KeyLookup;
  /** The highest security counter that was seen. */
  readonly seen: MinCounter;
}

async function readTrust(read: Read, reporter: Reporter): Promise<Trust> {
  const [store, paths] = [read.text('store'), read.texts('cert')];
  if ((store === undefined) === (paths.length === 0))
    throw new UsageError('whose keys are trusted is said by --store DIR, or by --cert FILE');
  if (store === undefined && read.text('nvram') !== undefined)
    throw new UsageError('--nvram: where a key storage keeps its counters, goes with --store');
  if (store !== undefined) {
    const { openStore, tellProblems } = await import('./store-folder.ts');
    const storage = await openStore(store, read.text('nvram'));
    tellProblems(storage, reporter);
    return { lookup: storage, seen: minCounterOf(storage) };
  }
  const pinned = [];
  for (const path of paths) pinned.push({ path, certificate: await certificateAt(path) });
  return { lookup: lookupOf(pinned), seen: () => 0 };
}

interface Verification {
  readonly read: Read;
  readonly policy: ImagePolicy;
  readonly lookup: KeyLookup;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

async function verifyOne(path: string, verification: Verification): Promise<boolean> {
  const { read, reporter } = verification;
  const [isJson, isQuiet] = [read.flag('json'), read.flag('quiet')];
  const progress = new HashProgress(!isJson && !isQuiet);
  try {
    const { image, md5 } = await verified(path, verification, progress);
    progress.end();
    if (isJson) process.stdout.write(jsonLine(imageJson(path, image, md5)));
    else if (!isQuiet) process.stdout.write(verificationText(path === '-' ? 'standard input' : path, image, md5));
    for (const warning of image.warnings) reporter.notice(`${path}: ${warning}`);
    return true;
  } catch (error) {
    progress.end();
    if (!(error instanceof SealiftError)) throw error;
    if (isJson) process.stdout.write(jsonLine(failureJson(path, error)));
    else {
      if (!isQuiet) process.stdout.write(failureText(error));
      tellError(reporter, error);
    }
    return false;
  }
}

interface Outcome {
  readonly image: VerifiedImage;
  readonly md5: string | undefined;
}

async function verified(path: string, verification: Verification, progress: HashProgress): Promise<Outcome> {
  const { read, policy, lookup, signal } = verification;
  const input = await openInput(path, signal);
  try {
    const name = path === '-' ? 'standard input' : path;
    const extract = read.text('extract');
    if (input.kind === 'file' && extract === undefined && !read.flag('md5')) {
      const told = (done: number, total: number): void => progress.tell(done, total);
      const image = await verifyImageFile(input.file, { lookup, policy, name, signal, progress: told });
      return { image, md5: undefined };
    }
    const digest = input.kind === 'file' ? (await inspectImageFile(input.file, name)).digest : readDigest(read);
    const verifier = new ImageVerifier({ lookup, policy, name, digest });
    const md5 = read.flag('md5') ? createHash('md5') : undefined;
    const chunks = passing(input, verifier, md5, progress);
    let image: VerifiedImage | undefined;
    if (extract === undefined) {
      for await (const _ of chunks);
      image = verifier.end();
    } else {
      await refuseInputs(extract, [path, ...inputsOf(read)]);
      const payload = payloadOf(chunks, () => (image = verifier.end()));
      await writeOutput(extract, payload, 'hidden until whole');
    }
    return { image: image as unknown as VerifiedImage, md5: md5?.digest('hex') };
  } finally {
    await input.close();
  }
}

/** An input as it passes through a verifier. @throws {FileError} ERR_FILE_CHANGED */
async function* passing(
  input: Input,
  verifier: ImageVerifier,
  md5: Hash | undefined,
  progress: HashProgress,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of chunksOf(input)) {
    verifier.write(chunk);
    md5?.update(chunk);
    if (input.kind === 'file') progress.tell(verifier.bytes, input.size);
    yield chunk;
  }
  if (input.kind === 'file' && verifier.bytes !== input.size)
    throw new FileError(input.file.path, 'read', 'ERR_FILE_CHANGED', { reason: 'it became shorter' });
}

/** The payload of an image that comes in chunks. It ends well only where `end` finds the image good. */
async function* payloadOf(
  chunks: AsyncIterable<Uint8Array>,
  end: () => VerifiedImage,
): AsyncGenerator<Uint8Array, void, void> {
  // What may be envelope and footer is held back.
  let held: Buffer = Buffer.alloc(0);
  let passed = 0;
  for await (const chunk of chunks) {
    held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]);
    const ready = held.length - MAX_TAIL_BYTES;
    if (ready > 0) {
      passed += ready;
      yield held.subarray(0, ready);
      held = Buffer.from(held.subarray(ready));
    }
  }
  const image = end();
  yield held.subarray(0, image.info.size - passed);
}
