/** How the keys of a version 3 file are derived from the passphrase. */
export interface PpkArgon2 {
  readonly flavour: 'Argon2id' | 'Argon2i' | 'Argon2d';
  readonly memoryKiB: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly salt: Buffer;
}

/** A private key file of PuTTY, taken apart (PuTTY's manual, appendix C). */
export interface PpkFile {
  readonly version: 2 | 3;
  readonly type: string;
  readonly encryption: 'none' | 'aes256-cbc';
  readonly comment: string;
  readonly publicBlob: Buffer;
  /** Still encrypted where `encryption` says so. */
  readonly privateBlob: Buffer;
  readonly argon2: PpkArgon2 | undefined;
  readonly mac: Buffer;
}

/** Bounds for what a key file may ask of this machine. PuTTY writes 8192 KiB and some 20 passes. */
export const MAX_ARGON2_MEMORY_KIB: number = 1024 * 1024;
export const MAX_ARGON2_WORK_KIB: number = 64 * 1024 * 1024;
const MAX_PARALLELISM = 64;
const MAX_LINES = 4096;

type Fields = ReadonlyMap<string, string>;

function count(fields: Fields, name: string): number | undefined {
  const text = fields.get(name);
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function readArgon2(fields: Fields): PpkArgon2 | undefined {
  const flavour = fields.get('Key-Derivation');
  const memoryKiB = count(fields, 'Argon2-Memory');
  const passes = count(fields, 'Argon2-Passes');
  const parallelism = count(fields, 'Argon2-Parallelism');
  const salt = fields.get('Argon2-Salt');
  if (flavour !== 'Argon2id' && flavour !== 'Argon2i' && flavour !== 'Argon2d') return undefined;
  if (!memoryKiB || !passes || !parallelism || salt === undefined || !/^(?:[0-9a-f]{2}){8,64}$/i.test(salt))
    return undefined;
  if (memoryKiB > MAX_ARGON2_MEMORY_KIB || parallelism > MAX_PARALLELISM) return undefined;
  if (memoryKiB * passes > MAX_ARGON2_WORK_KIB) return undefined;
  return { flavour, memoryKiB, passes, parallelism, salt: Buffer.from(salt, 'hex') };
}

/** Reads `Name: value` lines; a name that ends in `-Lines` is followed by so many lines of base64. */
function readFields(lines: readonly string[]): Map<string, string> | undefined {
  const fields = new Map<string, string>();
  for (let at = 0; at < lines.length; at++) {
    const match = /^([A-Za-z0-9-]+): ?(.*)$/.exec(lines[at] ?? '');
    if (match?.[1] === undefined || match[2] === undefined || fields.has(match[1])) return undefined;
    if (!match[1].endsWith('-Lines')) {
      fields.set(match[1], match[2]);
      continue;
    }
    const length = /^\d{1,4}$/.test(match[2]) ? Number(match[2]) : Number.NaN;
    if (!(length <= lines.length - at - 1)) return undefined;
    const body = lines.slice(at + 1, at + 1 + length).join('');
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(body)) return undefined;
    fields.set(match[1], body);
    at += length;
  }
  return fields;
}

/** Takes a file apart. Total: the result is a file, or the reason why it is none. */
export function parsePpkFile(text: string): PpkFile | string {
  const lines = text.trim().split(/\r\n|\n|\r/);
  const header = /^PuTTY-User-Key-File-(\d): ([\x21-\x7e]{1,64})$/.exec(lines[0] ?? '');
  if (header?.[2] === undefined || lines.length > MAX_LINES) return 'malformed PuTTY key';
  if (header[1] !== '2' && header[1] !== '3') return `PuTTY keys of version ${header[1]} cannot be used`;
  const fields = readFields(lines.slice(1));
  const encryption = fields?.get('Encryption');
  const mac = fields?.get('Private-MAC');
  const publicBlob = fields?.get('Public-Lines');
  const privateBlob = fields?.get('Private-Lines');
  if (!fields || publicBlob === undefined || privateBlob === undefined || mac === undefined)
    return 'malformed PuTTY key';
  if (!/^(?:[0-9a-f]{2})+$/i.test(mac)) return 'malformed PuTTY key';
  if (encryption !== 'none' && encryption !== 'aes256-cbc') return 'unknown encryption of a PuTTY key';
  const version = header[1] === '2' ? 2 : 3;
  const argon2 = readArgon2(fields);
  if (version === 3 && encryption !== 'none' && argon2 === undefined) return 'unusable key derivation of a PuTTY key';
  return {
    version,
    type: header[2],
    encryption,
    comment: fields.get('Comment') ?? '',
    publicBlob: Buffer.from(publicBlob, 'base64'),
    privateBlob: Buffer.from(privateBlob, 'base64'),
    argon2,
    mac: Buffer.from(mac, 'hex'),
  };
}
