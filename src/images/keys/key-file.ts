import { ImageError } from '../../base/errors.ts';
import { MAX_ENVELOPE_BYTES } from '../footer.ts';
import { MAX_CERTIFICATE_BYTES } from '../x509/certificate.ts';
import { canonicalJson, type JsonValue, parseCanonicalJson } from './canonical-json.ts';
import {
  type ChangeableType,
  changeableTypes,
  compareRecords,
  type Floors,
  type KeyFile,
  type KeyRecord,
  recordId,
  sha256Hex,
} from './records.ts';
import { StrictFields } from './strict-fields.ts';

/** So many records are kept, revoked ones too: 26 versions of two types, with up to four keys each. */
export const MAX_RECORDS = 208;

/** The largest file that is read. */
export const MAX_KEY_FILE_BYTES: number = 8 * 1024 * 1024;

/** The highest generation. */
export const MAX_GENERATION: number = 2 ** 48;

const MAGIC = 'SEALIFT-KEYS 1';

const header = /^SEALIFT-KEYS 1 (\d{1,8}) ([0-9a-f]{64})\n$/;

/** The header has one length whatever the number: 8 digits. */
const HEADER_BYTES: number = MAGIC.length + 1 + 8 + 1 + 64 + 1;

/** The bytes of a copy: a line with the length and the SHA-256 of what follows, which tell damage, and canonical JSON. The same content gives the same bytes. */
export function formatKeyFile(content: KeyFile): Uint8Array {
  const proofs: Record<string, string> = {};
  const records = [...content.records].sort(compareRecords).map((record) => {
    const { type, version, sha256, state } = record;
    const proof = record.proof === 'root' ? 'root' : sha256Hex(record.proof);
    if (record.proof !== 'root') proofs[proof] = base64(record.proof);
    return { type, version, sha256, state, proof, certificate: base64(record.certificate), spki: base64(record.spki) };
  });
  const body = Buffer.from(
    canonicalJson({ floors: content.floors, generation: content.generation, proofs, records }),
    'utf8',
  );
  return Buffer.concat([Buffer.from(`${MAGIC} ${String(body.length).padStart(8, '0')} ${sha256Hex(body)}\n`), body]);
}

/**
 * Reads a copy. What is in it is believed to be well formed then, and nothing more: records are believed by their proofs.
 *
 * @param subject the name of the file, for messages
 * @throws {ImageError} ERR_KEY_STORAGE
 */
export function parseKeyFile(bytes: Uint8Array, subject: string): KeyFile {
  const refuse = (what: string): never => {
    throw new ImageError(subject, 'ERR_KEY_STORAGE', what);
  };
  const [, length, digest] = header.exec(Buffer.from(bytes.subarray(0, HEADER_BYTES)).toString('latin1')) ?? [];
  if (length === undefined) refuse(bytes.length === 0 ? 'is empty' : 'does not begin as a key storage does');
  const body = bytes.subarray(HEADER_BYTES);
  if (body.length !== Number(length)) refuse(`has ${body.length} bytes of content, not ${Number(length)}`);
  if (sha256Hex(body) !== digest) refuse('is damaged: its SHA-256 is another one');
  const value = parseCanonicalJson(body);
  if (value === undefined) refuse('holds no canonical JSON');
  return readContent(value, new StrictFields(subject));
}

function readContent(value: JsonValue | undefined, fields: StrictFields): KeyFile {
  const content = fields.object(value, 'content', ['floors', 'generation', 'proofs', 'records']);
  const proofs = new Map<string, Uint8Array>();
  for (const [name, text] of fields.map(content['proofs'], 'proofs', MAX_RECORDS)) {
    const envelope = fields.bytes(text, 'proofs', MAX_ENVELOPE_BYTES);
    if (sha256Hex(envelope) !== name) fields.refuse('proofs', 'a name is not the SHA-256 of its proof');
    proofs.set(name, envelope);
  }
  const records = fields
    .array(content['records'], 'records', MAX_RECORDS)
    .map((record, index) => readRecord(record, `record ${index + 1}`, proofs, fields));
  if (new Set(records.map(recordId)).size !== records.length) fields.refuse('records', 'one stands there twice');
  return {
    generation: fields.integer(content['generation'], 'generation', 1, MAX_GENERATION),
    floors: readFloors(content['floors'], fields),
    records: records.sort(compareRecords),
  };
}

/** Reads the floors of a file. @throws {ImageError} ERR_KEY_STORAGE */
export function readFloors(value: JsonValue | undefined, fields: StrictFields): Floors {
  const floors: Partial<Record<ChangeableType, string>> = {};
  const given = fields.object(value, 'floors', [], changeableTypes);
  for (const type of changeableTypes)
    if (given[type] !== undefined) floors[type] = fields.version(given[type], `floor of ${type}`);
  return floors;
}

function readRecord(
  value: JsonValue,
  where: string,
  proofs: ReadonlyMap<string, Uint8Array>,
  fields: StrictFields,
): KeyRecord {
  const names = ['certificate', 'proof', 'sha256', 'spki', 'state', 'type', 'version'];
  const record = fields.object(value, where, names);
  const proof = record['proof'] === 'root' ? 'root' : proofs.get(fields.sha256(record['proof'], `${where}: proof`));
  if (proof === undefined) fields.refuse(where, 'its proof is missing');
  return {
    type: fields.oneOf(record['type'], `${where}: type`, changeableTypes),
    version: fields.version(record['version'], `${where}: version`),
    sha256: fields.sha256(record['sha256'], `${where}: sha256`),
    state: fields.oneOf(record['state'], `${where}: state`, ['valid', 'revoked']),
    certificate: fields.bytes(record['certificate'], `${where}: certificate`, MAX_CERTIFICATE_BYTES),
    spki: fields.bytes(record['spki'], `${where}: spki`, MAX_CERTIFICATE_BYTES),
    proof,
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
