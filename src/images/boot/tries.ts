import { raisedCounters } from '../keys/counters.ts';
import { MAX_TRIES_ENTRIES, type Tries } from '../keys/nvram-file.ts';
import type { KeyStorage } from '../keys/storage.ts';
import type { VerifiedImage } from '../types.ts';

type Started = Pick<VerifiedImage, 'info' | 'signers' | 'payloadDigest'>;

/**
 * Counts a start, before it is made: an image that hangs or takes the machine down has used it up. Counted is the payload, whatever its name.
 *
 * @param storage open for changes
 * @returns how many starts have not been followed by a report, this one included
 * @throws {ImageError} ERR_KEY_STORAGE: it must not be started, since nobody would notice that it fails for ever
 */
export async function beginTry(storage: KeyStorage, image: Started): Promise<number> {
  const digest = nameOf(image);
  const count = (storage.tries[digest] ?? 0) + 1;
  await storage.adopt(storage.state, { tries: { ...withRoom(storage.tries, digest), [digest]: count } });
  return count;
}

/**
 * The image has said that it is good: its starts are forgotten, and only now is an image with a lower security counter refused. Raised before that, the counter would leave nothing to go back to.
 *
 * @param storage open for changes
 * @throws {ImageError} ERR_KEY_STORAGE
 */
export async function reportGood(storage: KeyStorage, image: Started): Promise<void> {
  const counters = raisedCounters(storage.counters, image);
  const { [nameOf(image)]: _forgotten, ...tries } = storage.tries;
  await storage.adopt(storage.state, { counters, tries });
}

/** Forgets how often an image was started: somebody has decided that it may be tried again. @throws {ImageError} ERR_KEY_STORAGE */
export async function forgetTries(storage: KeyStorage, image: Started): Promise<void> {
  const { [nameOf(image)]: _forgotten, ...tries } = storage.tries;
  await storage.adopt(storage.state, { tries });
}

function nameOf({ payloadDigest }: Started): string {
  return Buffer.from(payloadDigest).toString('hex');
}

/** Images that are long gone are not counted for ever: those with the fewest starts go first. */
function withRoom(tries: Tries, digest: string): Tries {
  const others = Object.entries(tries).filter(([name]) => name !== digest);
  others.sort(([, one], [, other]) => other - one);
  return Object.fromEntries(others.slice(0, MAX_TRIES_ENTRIES - 1));
}
