import { expect, it } from 'vitest';
import { algorithms, isLegacy, legacyAlgorithms } from '../../src/server/algorithms.ts';
import { NegotiationWatch } from '../../src/server/negotiation.ts';

function failed(theirs: string, isLegacySource = false): ReturnType<NegotiationWatch['failure']> {
  const watch = new NegotiationWatch();
  watch.note('Handshake: (local) KEX method: x');
  watch.note('Handshake: (remote) KEX method: x');
  watch.note('[10.0.0.7:5] Handshake: (local) C->S cipher: aes128-ctr');
  watch.note(`[10.0.0.7:5] Handshake: (remote) C->S cipher: ${theirs}`);
  return watch.failure('Handshake failed: no matching C->S cipher', '10.0.0.7', isLegacySource);
}

it('tells both lists and the one setting that would help', () => {
  expect(failed('3des-cbc,aes128-cbc')).toEqual({
    what: 'cipher',
    ours: 'aes128-ctr',
    theirs: '3des-cbc,aes128-cbc',
    cure: 'algorithms.legacy.from: [10.0.0.7] would let this client in with its old algorithms',
  });
});

it('does not name a setting that would not help', () => {
  expect(failed('3des-cbc,arcfour')?.cure).toContain('no setting helps');
  expect(failed('aes128-cbc', true)?.cure).toContain('no setting helps');
});

it('says nothing about other errors, and keeps no more of a list than it shows', () => {
  expect(new NegotiationWatch().failure('read ECONNRESET', 'x', false)).toBeUndefined();
  expect(failed('x'.repeat(100_000))?.theirs).toHaveLength(500);
});

it('group exchange is in no profile, and SHA-1 and CBC only in the legacy one', () => {
  const names = ({ kex, cipher, hmac }: typeof algorithms): string[] => [kex, cipher, hmac].flat() as string[];
  expect(names(algorithms).filter(isLegacy)).toEqual([]);
  expect(names(algorithms).filter((name) => /sha1|cbc|exchange/.test(name))).toEqual([]);
  expect(names(legacyAlgorithms).filter((name) => name.includes('exchange'))).toEqual([]);
  expect(
    names(legacyAlgorithms)
      .filter((name) => /sha1|cbc/.test(name))
      .every(isLegacy),
  ).toBe(true);
});
