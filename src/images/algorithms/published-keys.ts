import { hashOf } from './digests.ts';

/**
 * SHA-256 of the SubjectPublicKeyInfo of keys whose private half stands in a document, so that anybody can sign with them.
 * They get into products by way of tests and copied commands.
 */
const published: ReadonlySet<string> = new Set([
  // RFC 8032, 7.1: TEST 1 (also the example of the format), 2, 3, 1024 and SHA(abc).
  '06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9',
  'deb2ded39dc26fce0e6085b6fc34bf6b5941913bbfe2ea614113cff9e004c170',
  '8d39ba50abe50f77b6bb8ae7b6927aff7ffbeba35ad2837c0e51e82bcbcc60d5',
  'e4f982b51ad0bdd87be820b259fe80337ef636e72b9fa7a8867a6949eb610fd6',
  'e77db4a9572e9f6552c22bc751d5499ad218a73bdf7e15dc6ea0fc69246a44de',
  // RFC 8410, 10.3.
  'a1e9156054e04fac899ae9f275132cdc07a5dbc4ea2c2ad3a1ffc6e0d253681f',
  // RFC 9500: testRSA2048, testECCP256, testECCP384.
  '8fb6bad671cfe698393c453357da61b56d757ab8c0f3fb9c87f2849e63131878',
  'b2b04340cfaee616ec9c2c62d261b208e54bb197498df52e8cadede23ac0ba5e',
  'c4c10105a0be0ed4dd3354428dc38a9bfee64da141ce16e75c94eda272f9dd3a',
]);

/** Whether a key is known to be known to everybody. */
export function isPublishedKey(spki: Uint8Array): boolean {
  return published.has(Buffer.from(hashOf('sha256', spki)).toString('hex'));
}
