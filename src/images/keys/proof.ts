import { ImageError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { KeyLookup, TrustedKey } from '../types.ts';
import type { StorageProblem } from './problems.ts';
import type { ProofVerifier, ProvenEnvelope } from './proof-verifier.ts';
import {
  type ChangeableType,
  type CopyName,
  compareRecords,
  type Floors,
  type KeyRecord,
  recordId,
  sha256Hex,
} from './records.ts';
import type { MinSigners, RootFile } from './root-file.ts';

/** A record as one of the copies has it. */
export interface Candidate {
  readonly record: KeyRecord;
  readonly copy: CopyName;
}

/** What records are judged by, besides themselves. */
export interface ProofContext {
  readonly root: RootFile;
  readonly verifier: ProofVerifier;
  readonly floors: Floors;
  /** Records that some copy has revoked, by {@link recordId}. */
  readonly revoked: ReadonlySet<string>;
}

/** The records of both copies, judged. */
export interface JudgedRecords {
  /** Proven, with the state that counts. */
  readonly records: readonly KeyRecord[];
  /** Kept as they are and not used. */
  readonly unchecked: readonly KeyRecord[];
  readonly problems: readonly StorageProblem[];
}

/**
 * Follows the chain of proofs (docs/decisions/0024-signed-images.md): the root vouches for rollover keys, those for production keys, and the production keys that are valid for special keys. Whatever has no proof is left out.
 */
export async function judgeRecords(candidates: readonly Candidate[], context: ProofContext): Promise<JudgedRecords> {
  const { root, floors, verifier } = context;
  const rollover = listLookup(rolloverKeys(root, verifier), {}, root.minSigners);
  const production = await judgeType('production', candidates, rollover, context);
  const valid = listLookup(production.records.map(trustedKey), floors, root.minSigners);
  const special = await judgeType('special', candidates, valid, context);
  return {
    records: [...production.records, ...special.records].sort(compareRecords),
    unchecked: [...production.unchecked, ...special.unchecked].sort(compareRecords),
    problems: [...production.problems, ...special.problems],
  };
}

/** The rollover keys of a root. Those whose algorithm is not known here can verify nothing here. */
export function rolloverKeys(root: RootFile, verifier: ProofVerifier): TrustedKey[] {
  return root.keys.flatMap(({ type, version, certificate }): TrustedKey[] => {
    if (type !== 'rollover') return [];
    try {
      return [{ type, version, spki: verifier.publicKeyOf(certificate), state: 'valid' }];
    } catch (error) {
      if (error instanceof ImageError) return [];
      throw error;
    }
  });
}

/** A list of keys to look up in. */
export function listLookup(keys: readonly TrustedKey[], floors: Floors, minSigners: MinSigners): KeyLookup {
  return {
    keys: (type, version) => keys.filter((key) => key.type === type && key.version === version),
    floor: (type) => (type === 'rollover' ? undefined : floors[type]),
    minSigners: (type) => minSigners[type] ?? 1,
  };
}

/** The key of a record. */
export function trustedKey({ type, version, spki, state }: KeyRecord): TrustedKey {
  return { type, version, spki, state };
}

async function judgeType(
  type: ChangeableType,
  candidates: readonly Candidate[],
  introducers: KeyLookup,
  context: ProofContext,
): Promise<JudgedRecords> {
  const records = new Map<string, KeyRecord>();
  const unchecked = new Map<string, KeyRecord>();
  const problems: StorageProblem[] = [];
  const closed = new Map<string, ReadonlySet<string>>();
  const envelopes = new EnvelopeCache(introducers, context.verifier);
  for (const { record, copy } of candidates) {
    if (record.type !== type) continue;
    const id = recordId(record);
    const report = (kind: StorageProblem['kind'], why: string): void => {
      const text = `${record.type} key ${record.version} (${record.sha256.slice(0, 16)}) in ${copy}: ${why}`;
      problems.push({ kind, copy, text });
    };
    try {
      const set = await introducedWith(record, envelopes, context);
      const others = closed.get(record.version) ?? set;
      // The version is closed by whoever came first; what else has its letter came another way.
      if (!others.has(record.sha256)) {
        report('unproven', 'another key has this version already');
        continue;
      }
      closed.set(record.version, others);
      if (!records.has(id)) records.set(id, { ...record, state: stateOf(record, context) });
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      const kind = kindOf(error);
      if (kind === 'unchecked') unchecked.set(id, record);
      report(kind, printable(error.message));
    }
  }
  for (const id of records.keys()) unchecked.delete(id);
  return { records: [...records.values()], unchecked: [...unchecked.values()], problems };
}

function stateOf(record: KeyRecord, { floors, revoked }: ProofContext): 'valid' | 'revoked' {
  const isBelow = record.version < (floors[record.type] ?? '');
  return isBelow || revoked.has(recordId(record)) ? 'revoked' : 'valid';
}

/** A key of an algorithm that this Node does not have is no forgery, and is there again with another Node. */
function kindOf(error: ImageError): StorageProblem['kind'] {
  if (error.code === 'ERR_IMAGE_ALGORITHM') return 'unchecked';
  return error.code === 'ERR_IMAGE_REVOKED_KEY' ? 'lost-proof' : 'unproven';
}

/**
 * Checks a record and its proof.
 *
 * @returns the certificates that its version was introduced with, as SHA-256
 * @throws {ImageError}
 */
async function introducedWith(
  record: KeyRecord,
  envelopes: EnvelopeCache,
  { root, verifier }: ProofContext,
): Promise<ReadonlySet<string>> {
  const { type, version, certificate, sha256, spki, proof } = record;
  const refuse = (reason: string): never => {
    throw new ImageError('', 'ERR_KEY_PROOF', reason);
  };
  if (sha256Hex(certificate) !== sha256) refuse('its certificate has another SHA-256');
  if (!Buffer.from(spki).equals(verifier.publicKeyOf(certificate))) refuse('its key is not the one of its certificate');
  const isSame = (key: { readonly type: string; readonly version: string }): boolean =>
    key.type === type && key.version === version;
  const introduced = proof === 'root' ? root.keys : (await envelopes.verified(proof, type)).info.bundledKeys;
  const set = new Set(introduced.filter(isSame).map((key) => key.sha256));
  if (!set.has(sha256)) refuse(proof === 'root' ? 'the root does not have it' : 'its proof is of another key');
  return set;
}

/** Each envelope is verified once, however many keys it brought. */
class EnvelopeCache {
  readonly #introducers: KeyLookup;
  readonly #verifier: ProofVerifier;
  readonly #verified = new Map<string, Promise<ProvenEnvelope>>();

  constructor(introducers: KeyLookup, verifier: ProofVerifier) {
    this.#introducers = introducers;
    this.#verifier = verifier;
  }

  /** @throws {ImageError} */
  async verified(envelope: Uint8Array, type: ChangeableType): Promise<ProvenEnvelope> {
    const name = sha256Hex(envelope);
    let proven = this.#verified.get(name);
    if (proven === undefined) {
      proven = verifyIntroduction(envelope, type, this.#introducers, this.#verifier);
      this.#verified.set(name, proven);
    }
    return await proven;
  }
}

/** What kind of image brings keys of a type, and whose keys sign it. */
export const introductions = {
  production: { image: 'revocation', signer: 'rollover' },
  special: { image: 'production', signer: 'production' },
} as const;

/**
 * Verifies the envelope of an image that brings keys of a type.
 *
 * @throws {ImageError}
 */
export async function verifyIntroduction(
  envelope: Uint8Array,
  type: ChangeableType,
  keys: KeyLookup,
  verifier: ProofVerifier,
): Promise<ProvenEnvelope> {
  const proven = await verifier.verifyEnvelope(envelope, keys);
  const { image, signer } = introductions[type];
  if (proven.info.type !== image) throw new ImageError('', 'ERR_KEY_PROOF', `its proof is no ${image} image`);
  // The verifier decides by the same rules; that a proof needs the right keys must not hang on it alone.
  const needed = keys.minSigners?.(signer) ?? 1;
  if (proven.signers.filter(({ key }) => key.type === signer && key.state === 'valid').length < needed)
    throw new ImageError('', 'ERR_KEY_PROOF', whatIsNeeded(needed, signer));
  return proven;
}

function whatIsNeeded(needed: number, signer: string): string {
  return needed === 1 ? `no ${signer} key has signed its proof` : `${needed} ${signer} keys must have signed its proof`;
}
