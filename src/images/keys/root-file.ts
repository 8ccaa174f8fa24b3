import { MAX_SIGNERS } from '../cms/signed-data.ts';
import { keyTypes } from '../image-types.ts';
import type { KeyType } from '../types.ts';
import { MAX_CERTIFICATE_BYTES } from '../x509/certificate.ts';
import { canonicalJson, type JsonValue, parseCanonicalJson } from './canonical-json.ts';
import { MAX_RECORDS } from './key-file.ts';
import { fileNames, sha256Hex } from './records.ts';
import { StrictFields } from './strict-fields.ts';

/** A key that a storage begins with. */
export interface RootKey {
  readonly type: KeyType;
  readonly version: string;
  /** DER. */
  readonly certificate: Uint8Array;
}

/** How many keys of one version must sign, by type. Absent: one. */
export type MinSigners = Readonly<Partial<Record<KeyType, number>>>;

/** The root of trust: rollover keys, and the first keys of the other types. */
export interface RootFile {
  readonly minSigners: MinSigners;
  readonly keys: readonly (RootKey & { readonly sha256: string })[];
}

/** The largest root that is read. */
export const MAX_ROOT_BYTES: number = 4 * 1024 * 1024;

/** The bytes of root.json: canonical JSON and a line break. */
export function formatRoot(keys: readonly RootKey[], minSigners: MinSigners = {}): Uint8Array {
  const list = keys.map(({ type, version, certificate }) => ({
    type,
    version,
    certificate: Buffer.from(certificate).toString('base64'),
  }));
  return Buffer.from(
    `${canonicalJson({ fmt: 1, keys: list, minSigners: isEmpty(minSigners) ? undefined : minSigners })}\n`,
  );
}

/** @throws {ImageError} ERR_KEY_STORAGE */
export function parseRoot(bytes: Uint8Array): RootFile {
  const fields = new StrictFields(fileNames.root);
  const value = bytes.at(-1) === 0x0a ? parseCanonicalJson(bytes.subarray(0, -1)) : undefined;
  if (value === undefined) fields.refuse('content', 'is no canonical JSON with a line break behind it');
  const root = fields.object(value, 'content', ['fmt', 'keys'], ['minSigners']);
  fields.integer(root['fmt'], 'fmt', 1, 1);
  const keys = fields.array(root['keys'], 'keys', MAX_RECORDS).map((item, index) => {
    const where = `key ${index + 1}`;
    const key = fields.object(item, where, ['certificate', 'type', 'version']);
    const certificate = fields.bytes(key['certificate'], where, MAX_CERTIFICATE_BYTES);
    return {
      type: fields.oneOf(key['type'], where, keyTypes),
      version: fields.version(key['version'], where),
      certificate,
      sha256: sha256Hex(certificate),
    };
  });
  if (!keys.some(({ type }) => type === 'rollover')) fields.refuse('keys', 'there is no rollover key');
  return { keys, minSigners: readMinSigners(root['minSigners'], fields) };
}

function readMinSigners(value: JsonValue | undefined, fields: StrictFields): MinSigners {
  if (value === undefined) return {};
  const minSigners: Partial<Record<KeyType, number>> = {};
  const given = fields.object(value, 'minSigners', [], keyTypes);
  for (const type of keyTypes)
    if (given[type] !== undefined) minSigners[type] = fields.integer(given[type], 'minSigners', 1, MAX_SIGNERS);
  return minSigners;
}

function isEmpty(minSigners: MinSigners): boolean {
  return Object.values(minSigners).every((count) => count === undefined);
}
