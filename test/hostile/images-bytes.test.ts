import { beforeAll, describe, expect, it } from 'vitest';
import { ImageError } from '../../src/base/errors.ts';
import type { NewKeyAlgorithm } from '../../src/images/algorithms/private-key.ts';
import { inspectEnvelope } from '../../src/images/inspect.ts';
import type { ImageSigner } from '../../src/images/sign.ts';
import type { KeyLookup } from '../../src/images/types.ts';
import { verifyEnvelope } from '../../src/images/verify-envelope.ts';
import { readCertificate } from '../../src/images/x509/certificate.ts';
import { fuzzRuns, fuzzTimeout } from '../support/fuzz.ts';
import { describedAs, lookupOf, makeSigner, signed, trusted } from '../support/image-keys.ts';
import { verifyStream } from '../support/image-refusal.ts';
import { runsEverything } from '../support/large.ts';

const payload = Buffer.from('the payload of a small image\n');
const algorithms: readonly NewKeyAlgorithm[] = ['rsa-2048', 'ecdsa-p256', 'ed25519'];

interface Subject {
  readonly lookup: KeyLookup;
  readonly envelope: Uint8Array;
  readonly file: Buffer;
}

/** An image that brings a key, so that everything an envelope can have is in it. */
async function makeSubject(algorithm: NewKeyAlgorithm): Promise<Subject> {
  const signer: ImageSigner = await makeSigner(algorithm);
  const newKeys = [await makeSigner('ed25519', 'special', 'B')];
  const { envelope, file } = await signed(payload, [signer], {
    newKeys,
    description: describedAs('production', { minLoader: '2' }),
  });
  return { lookup: lookupOf([trusted(signer)]), envelope, file };
}

const subjects = new Map<NewKeyAlgorithm, Subject>();
beforeAll(async () => {
  for (const algorithm of algorithms) subjects.set(algorithm, await makeSubject(algorithm));
});

/** What became of an input: undefined where it was refused as it should be. */
function unexpected(run: () => unknown): string | undefined {
  try {
    run();
    return 'accepted';
  } catch (error) {
    return error instanceof ImageError ? undefined : `crashed: ${String(error)}`;
  }
}

/** Repeatable numbers from 0 to below a limit (xorshift32). */
function numbersFrom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

describe.each(algorithms)('the envelope of an image signed with %s', (algorithm) => {
  it('is accepted as it is', () => {
    const { envelope, lookup } = subjects.get(algorithm) as Subject;
    expect(verifyEnvelope(envelope, lookup, {}).info.name).toBe('app.SPA');
  });

  it('is refused with any bit flipped', { timeout: 120_000 }, () => {
    const { envelope, lookup } = subjects.get(algorithm) as Subject;
    const bytes = Buffer.from(envelope);
    const failures: string[] = [];
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 1; bit < 256; bit <<= 1) {
        bytes[at] = (bytes[at] as number) ^ bit;
        const what = unexpected(() => verifyEnvelope(bytes, lookup, {}));
        if (what !== undefined) failures.push(`byte ${at}, bit ${bit}: ${what}`);
        bytes[at] = (bytes[at] as number) ^ bit;
      }
    }
    expect(failures).toEqual([]);
  });

  it('is refused with any byte that is another one', { timeout: 600_000 }, () => {
    const { envelope, lookup } = subjects.get(algorithm) as Subject;
    const bytes = Buffer.from(envelope);
    const failures: string[] = [];
    for (let at = 0; at < bytes.length; at += runsEverything ? 1 : 101) {
      const right = bytes[at] as number;
      for (let value = 0; value < 256; value++) {
        if (value === right) continue;
        bytes[at] = value;
        const what = unexpected(() => verifyEnvelope(bytes, lookup, {}));
        if (what !== undefined) failures.push(`byte ${at}, ${value}: ${what}`);
      }
      bytes[at] = right;
    }
    expect(failures).toEqual([]);
  });

  it('is refused with any byte left out or doubled', () => {
    const { envelope, lookup } = subjects.get(algorithm) as Subject;
    const failures: string[] = [];
    for (let at = 0; at < envelope.length; at++) {
      const without = Buffer.concat([envelope.subarray(0, at), envelope.subarray(at + 1)]);
      const doubled = Buffer.concat([envelope.subarray(0, at + 1), envelope.subarray(at)]);
      for (const bytes of [without, doubled]) {
        const what = unexpected(() => verifyEnvelope(bytes, lookup, {}));
        if (what !== undefined) failures.push(`byte ${at}: ${what}`);
      }
    }
    expect(failures).toEqual([]);
  });
});

const runs = fuzzRuns(10_000);

it(`no image of ${runs} mutated ones is accepted, and none is anything but an ImageError`, {
  timeout: fuzzTimeout(runs),
}, () => {
  const next = numbersFrom(20260301);
  const failures: string[] = [];
  for (let run = 0; run < runs; run++) {
    const { file, lookup } = subjects.get(algorithms[run % algorithms.length] as NewKeyAlgorithm) as Subject;
    const bytes = mutate(file, next);
    if (bytes.equals(file)) continue;
    for (const what of [unexpected(() => verifyStream(bytes, lookup))]) {
      if (what !== undefined) failures.push(`run ${run}: ${what}`);
    }
  }
  expect(failures).toEqual([]);
});

/** Changes some bytes, cuts, doubles or moves a part, or puts one of another place there. */
function mutate(file: Buffer, next: (limit: number) => number): Buffer {
  let bytes = Buffer.from(file);
  for (let left = 1 + next(4); left > 0; left--) {
    const at = next(bytes.length);
    const length = 1 + next(next(3) === 0 ? 200 : 8);
    const part = bytes.subarray(at, at + length);
    switch (next(6)) {
      case 0:
        bytes[at] = next(256);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
        break;
      case 3:
        part.copy(bytes, next(bytes.length));
        break;
      case 4:
        bytes.fill(next(256), at, Math.min(at + length, bytes.length));
        break;
      default:
        bytes[at] = (bytes[at] as number) + 1;
    }
  }
  return bytes;
}

it('readers of parts give a value or an ImageError for any bytes', { timeout: fuzzTimeout(runs) }, () => {
  const next = numbersFrom(7);
  const { envelope } = subjects.get('ecdsa-p256') as Subject;
  const certificate = Buffer.from(
    verifyEnvelope(envelope, (subjects.get('ecdsa-p256') as Subject).lookup, {}).bundledCertificates[0] as Uint8Array,
  );
  const failures: string[] = [];
  for (let run = 0; run < runs; run++) {
    const what = [
      unexpected(() => inspectEnvelope(mutate(Buffer.from(envelope), next))),
      unexpected(() => readCertificate(mutate(certificate, next))),
      unexpected(() => inspectEnvelope(Buffer.from(Array.from({ length: 40 }, () => next(256))))),
    ];
    failures.push(
      ...what.filter((one) => one !== undefined && one !== 'accepted').map((one) => `run ${run}: ${String(one)}`),
    );
  }
  expect(failures).toEqual([]);
});
