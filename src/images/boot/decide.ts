import { FileError, ImageError, type SealiftError } from '../../base/errors.ts';
import { minCounterOf } from '../keys/counters.ts';
import type { Tries } from '../keys/nvram-file.ts';
import type { ImagePolicy, ImageType, KeyLookup, VerifiedEnvelope, VerifiedImage } from '../types.ts';
import { named } from '../verified.ts';
import type { BootEntry } from './boot-entry.ts';
import { isLoaderNewEnough } from './loader-version.ts';
import { type BootPayload, keepInFile, keepInMemory, type PayloadKeeper } from './payload.ts';
import { tooLarge, verifyKept } from './verify-kept.ts';

/** So often an image may fail to report that it is good. */
export const DEFAULT_MAX_TRIES = 3;

/** Payloads up to this size are kept in memory. Bytes. */
export const DEFAULT_MEMORY_BYTES: number = 64 * 1024 * 1024;

/** What may start. */
export interface BootPolicy extends Pick<ImagePolicy, 'minSigners' | 'maxSize'> {
  /** `system`: production and revocation images. `loader`: what a read-only loader starts, which is a newer loader (type `rommon.production`). Default `system`. */
  readonly role?: 'system' | 'loader' | undefined;
  /** Whether images for development may start. Default false. */
  readonly special?: boolean | undefined;
  /** Default {@link DEFAULT_MAX_TRIES}. */
  readonly maxTries?: number | undefined;
}

/** What a decision is made from. */
export interface BootOptions {
  /** Keys, counters and tries: a KeyStorage is all of that. */
  readonly storage: KeyLookup & {
    counter(type: ImageType, keyVersion: string): number;
    readonly tries: Tries;
  };
  /** In the order in which they are to be tried. */
  readonly entries: readonly BootEntry[];
  /** The hardware. */
  readonly product: string;
  /** The loader that decides. */
  readonly loaderVersion: string;
  readonly policy?: BootPolicy | undefined;
  /** Payloads up to so many bytes are kept in memory. Default {@link DEFAULT_MEMORY_BYTES}. */
  readonly memoryBytes?: number | undefined;
  /** A folder for larger ones. Default: they are refused. */
  readonly folder?: string | undefined;
  /** For warnings on dates of certificates, which decide nothing. Default: now. */
  readonly now?: Date | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What starts, and what starts where images for development may. */
const startable: Readonly<Record<'system' | 'loader', Readonly<Record<'usual' | 'special', readonly ImageType[]>>>> = {
  system: { usual: ['production', 'revocation'], special: ['special'] },
  loader: { usual: ['rommon.production'], special: ['rommon.special'] },
};

/** Why an entry of the boot list may not start. */
export interface BootRefusal {
  readonly name: string;
  readonly error: SealiftError;
}

/** Which image may start. */
export type BootDecision =
  | {
      readonly kind: 'start';
      readonly name: string;
      readonly image: VerifiedImage;
      /** The bytes that were verified. To be disposed of. */
      readonly payload: BootPayload;
      /** The entries before it. Those behind it were not looked at. */
      readonly refused: readonly BootRefusal[];
    }
  /** None may: the loader stops and asks. */
  | { readonly kind: 'none'; readonly refused: readonly BootRefusal[] };

/**
 * Finds the first image of a boot list that may start, and gives the bytes that were verified: they are what is to be started, and nothing that has a name.
 *
 * Production images may start, special ones where the policy says so, and revocation images, which only rollover keys sign. Files of the loader may where a loader is looked for, and nowhere else. Nothing is written: {@link beginTry} is called before the image is started, and {@link reportGood} when it has proven itself.
 */
export async function decideBoot(options: BootOptions): Promise<BootDecision> {
  const refused: BootRefusal[] = [];
  for (const entry of options.entries) {
    options.signal?.throwIfAborted();
    try {
      return { kind: 'start', name: entry.name, ...(await examine(entry, options)), refused };
    } catch (error) {
      const cause = named(error, entry.name);
      if (!(cause instanceof ImageError || cause instanceof FileError)) throw cause;
      refused.push({ name: entry.name, error: cause });
    }
  }
  return { kind: 'none', refused };
}

async function examine(
  entry: BootEntry,
  options: BootOptions,
): Promise<{ readonly image: VerifiedImage; readonly payload: BootPayload }> {
  const { storage, now = new Date(), signal } = options;
  const file = await entry.open();
  try {
    return await verifyKept(file, {
      lookup: storage,
      policy: imagePolicy(options),
      check: (envelope) => checkStart(envelope, options),
      keeper: (size) => keeperFor(size, options),
      name: entry.name,
      now,
      signal,
    });
  } finally {
    await file.close();
  }
}

function imagePolicy({ storage, product, policy = {} }: BootOptions): ImagePolicy {
  const { usual, special } = startable[policy.role ?? 'system'];
  return {
    product,
    types: policy.special === true ? [...usual, ...special] : usual,
    minSigners: policy.minSigners,
    maxSize: policy.maxSize,
    minCounter: minCounterOf(storage),
  };
}

/** What is known before the payload is read. @throws {ImageError} */
function checkStart({ info, signedDigest }: VerifiedEnvelope, { storage, loaderVersion, policy }: BootOptions): void {
  const { minLoader } = info;
  if (minLoader !== undefined && !isLoaderNewEnough(loaderVersion, minLoader)) {
    const reason = `it needs loader ${minLoader}, this is ${loaderVersion}`;
    throw new ImageError('', 'ERR_IMAGE_POLICY', reason, { cure: 'upgrade the loader first' });
  }
  const tries = storage.tries[Buffer.from(signedDigest).toString('hex')] ?? 0;
  if (tries >= (policy?.maxTries ?? DEFAULT_MAX_TRIES)) {
    const reason = `it was started ${tries} times and did not report that it is good`;
    throw new ImageError('', 'ERR_IMAGE_POLICY', reason, {
      cure: 'put another image in its place, or forget its tries',
    });
  }
}

function keeperFor(
  size: number,
  { memoryBytes = DEFAULT_MEMORY_BYTES, folder }: BootOptions,
): PayloadKeeper | Promise<PayloadKeeper> {
  if (size <= memoryBytes) return keepInMemory(size);
  if (folder === undefined) throw tooLarge(size, memoryBytes);
  return keepInFile(folder);
}
