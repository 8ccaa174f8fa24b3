import { createHash } from 'node:crypto';
import { ImageError } from '../base/errors.ts';

/** Octets of a footer. */
export const FOOTER_BYTES = 64;

/** Octets of an envelope (CMS). */
export const MIN_ENVELOPE_BYTES = 32;
export const MAX_ENVELOPE_BYTES = 65536;

/** Octets of all that may stand behind the payload. */
export const MAX_TAIL_BYTES: number = MAX_ENVELOPE_BYTES + FOOTER_BYTES;

/** As PNG's: a high octet, the letters, and line ends that a transfer as text would change. */
const MAGIC = Buffer.from([0x89, 0x53, 0x49, 0x4d, 0x47, 0x0d, 0x0a, 0x1a]);

const FORMAT_VERSION = 1;

/** How many octets at the end are searched for what is left of a footer that was changed on its way. */
const DAMAGE_SEARCH_BYTES = 96;

/** Where the parts of an image are: the payload begins at 0, the envelope behind it, then the footer. */
export interface Footer {
  readonly payloadBytes: number;
  readonly envelopeBytes: number;
}

function damaged(reason: string): ImageError {
  return new ImageError('', 'ERR_IMAGE_FOOTER', `the footer is damaged: ${reason}`, { cure: 'get the file once more' });
}

function checksum(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/**
 * ```
 *  0  8  magic 89 53 49 4D 47 0D 0A 1A
 *  8  2  version of the format: 1        10  2  octets of the footer: 64     12  4  flags: 0
 * 16  8  octets of the payload           24  4  octets of the envelope       28  4  reserved: 0
 * 32 32  SHA-256 of the octets before: finds damage, and is no protection
 * ```
 * Numbers are big-endian.
 */
export function encodeFooter({ payloadBytes, envelopeBytes }: Footer): Uint8Array {
  const footer = Buffer.alloc(FOOTER_BYTES);
  MAGIC.copy(footer);
  footer.writeUInt16BE(FORMAT_VERSION, 8);
  footer.writeUInt16BE(FOOTER_BYTES, 10);
  footer.writeBigUInt64BE(BigInt(payloadBytes), 16);
  footer.writeUInt32BE(envelopeBytes, 24);
  checksum(footer.subarray(0, 32)).copy(footer, 32);
  return footer;
}

/** Says why there is no footer where one should be. */
function missing(tail: Uint8Array): ImageError {
  const end = Buffer.from(tail.buffer, tail.byteOffset, tail.length).subarray(-DAMAGE_SEARCH_BYTES);
  if (end.includes(MAGIC.subarray(1, 5))) {
    return new ImageError('', 'ERR_IMAGE_FOOTER', 'the footer is damaged', {
      cure: 'transfer the file in binary mode, not as text',
    });
  }
  return new ImageError('', 'ERR_IMAGE_UNSIGNED', 'no signature envelope');
}

/**
 * Reads the footer at the end of a file's last octets.
 *
 * @param tail the end of the file: at least as many octets as a footer has, or the whole file.
 * @throws {ImageError} ERR_IMAGE_UNSIGNED where there is none, ERR_IMAGE_FOOTER where it is wrong.
 */
export function decodeFooter(tail: Uint8Array, fileBytes: number): Footer {
  if (fileBytes < MIN_ENVELOPE_BYTES + FOOTER_BYTES || tail.length < FOOTER_BYTES) throw missing(tail);
  const footer = Buffer.from(tail.buffer, tail.byteOffset, tail.length).subarray(-FOOTER_BYTES);
  if (!footer.subarray(0, MAGIC.length).equals(MAGIC)) throw missing(tail);
  if (!checksum(footer.subarray(0, 32)).equals(footer.subarray(32))) throw damaged('its checksum is wrong');
  const version = footer.readUInt16BE(8);
  if (version !== FORMAT_VERSION) {
    throw new ImageError('', 'ERR_IMAGE_FOOTER', `version ${version} of the format is not known`, {
      cure: 'use a newer Sealift',
    });
  }
  if (footer.readUInt16BE(10) !== FOOTER_BYTES) throw damaged('its length');
  if (footer.readUInt32BE(12) !== 0) throw damaged('its flags');
  if (footer.readUInt32BE(28) !== 0) throw damaged('its reserved octets');
  const payload = footer.readBigUInt64BE(16);
  const envelopeBytes = footer.readUInt32BE(24);
  if (envelopeBytes === 0) throw new ImageError('', 'ERR_IMAGE_UNSIGNED', 'no signature envelope: its length is 0');
  if (envelopeBytes < MIN_ENVELOPE_BYTES || envelopeBytes > MAX_ENVELOPE_BYTES) {
    throw damaged(`an envelope of ${envelopeBytes} octets`);
  }
  if (payload + BigInt(envelopeBytes) + BigInt(FOOTER_BYTES) !== BigInt(fileBytes)) {
    throw new ImageError('', 'ERR_IMAGE_FOOTER', 'the lengths in the footer do not add up to the size of the file', {
      cure: 'get the file once more',
    });
  }
  return { payloadBytes: Number(payload), envelopeBytes };
}
