import { MAX_COUNTER } from '../image-info.ts';
import { imageTypes } from '../image-types.ts';
import type { ImageType } from '../types.ts';
import { canonicalJson, type JsonValue, parseCanonicalJson } from './canonical-json.ts';
import { MAX_GENERATION, readFloors } from './key-file.ts';
import { type Floors, fileNames } from './records.ts';
import { StrictFields } from './strict-fields.ts';

/** Security counters by type of image and key version. */
export type Counters = Readonly<Partial<Record<ImageType, Readonly<Record<string, number>>>>>;

/** How often an image was started and did not report that it is good, by its payload's digest in hex. */
export type Tries = Readonly<Record<string, number>>;

/** So many images are counted. */
export const MAX_TRIES_ENTRIES = 32;

/** What is kept apart from the keys: numbers that only grow, and tries. */
export interface Nvram {
  readonly generation: number;
  readonly floors: Floors;
  readonly counters: Counters;
  readonly tries: Tries;
}

/** The largest file that is read. */
export const MAX_NVRAM_BYTES: number = 64 * 1024;

/** The bytes of nvram.json: canonical JSON and a line break. */
export function formatNvram({ generation, floors, counters, tries }: Nvram): Uint8Array {
  return Buffer.from(`${canonicalJson({ counters, fmt: 1, floors, generation, tries })}\n`);
}

/** @throws {ImageError} ERR_KEY_STORAGE */
export function parseNvram(bytes: Uint8Array): Nvram {
  const fields = new StrictFields(fileNames.nvram);
  const value = bytes.at(-1) === 0x0a ? parseCanonicalJson(bytes.subarray(0, -1)) : undefined;
  if (value === undefined) fields.refuse('content', 'is no canonical JSON with a line break behind it');
  const nvram = fields.object(value, 'content', ['counters', 'fmt', 'floors', 'generation'], ['tries']);
  fields.integer(nvram['fmt'], 'fmt', 1, 1);
  const counters: Partial<Record<ImageType, Record<string, number>>> = {};
  const given = fields.object(nvram['counters'], 'counters', [], imageTypes);
  for (const type of imageTypes) {
    if (given[type] === undefined) continue;
    const versions: Record<string, number> = {};
    for (const [version, count] of fields.map(given[type], `counters of ${type}`, 26))
      versions[fields.version(version, `counters of ${type}`)] = fields.integer(count, 'counter', 0, MAX_COUNTER);
    counters[type] = versions;
  }
  return {
    generation: fields.integer(nvram['generation'], 'generation', 1, MAX_GENERATION),
    floors: readFloors(nvram['floors'], fields),
    counters,
    tries: readTries(nvram['tries'] ?? {}, fields),
  };
}

function readTries(value: JsonValue, fields: StrictFields): Tries {
  const tries: Record<string, number> = {};
  for (const [digest, count] of fields.map(value, 'tries', MAX_TRIES_ENTRIES)) {
    if (!/^(?:[0-9a-f]{32}){2,4}$/.test(digest)) fields.refuse('tries', 'a name is no digest in hex');
    tries[digest] = fields.integer(count, 'tries', 1, MAX_COUNTER);
  }
  return tries;
}
