import { MAX_COUNTER } from '../image-info.ts';
import type { ImagePolicy, ImageType, VerifiedImage } from '../types.ts';
import type { Counters } from './nvram-file.ts';
import type { KeyStorage } from './storage.ts';

/** The policy by which an image is refused whose security counter is lower than one that has run: for {@link ImagePolicy.minCounter}. */
export function minCounterOf(storage: Pick<KeyStorage, 'counter'>): NonNullable<ImagePolicy['minCounter']> {
  return (type, keyVersion) => storage.counter(type, keyVersion);
}

/**
 * Remembers the security counter of an image that has proven itself, for each key version that has signed it. A counter belongs to a key version: whoever stole a key can use up the numbers of that version only, and the next one begins at 0.
 *
 * @param storage open for changes
 * @returns whether one was raised
 * @throws {ImageError} ERR_KEY_STORAGE: the old numbers are still there
 */
export async function raiseCounters(
  storage: KeyStorage,
  { info, signers }: Pick<VerifiedImage, 'info' | 'signers'>,
): Promise<boolean> {
  const counters = raisedCounters(storage.counters, { info, signers });
  if (counters === storage.counters) return false;
  await storage.adopt(storage.state, { counters });
  return true;
}

/** The counters when an image has proven itself: the same object where none is higher. */
export function raisedCounters(
  counters: Counters,
  { info, signers }: Pick<VerifiedImage, 'info' | 'signers'>,
): Counters {
  let raised = counters;
  for (const { key } of signers) raised = withCounter(raised, info.type, key.version, info.counter);
  return raised;
}

function withCounter(counters: Counters, type: ImageType, version: string, counter: number): Counters {
  const versions = counters[type] ?? {};
  if (counter <= (versions[version] ?? 0) || counter > MAX_COUNTER) return counters;
  return { ...counters, [type]: { ...versions, [version]: counter } };
}
