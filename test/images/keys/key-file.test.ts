import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImageError } from '../../../src/base/errors.ts';
import { MAX_ENVELOPE_BYTES } from '../../../src/images/footer.ts';
import { canonicalJson, type JsonValue, parseCanonicalJson } from '../../../src/images/keys/canonical-json.ts';
import { formatKeyFile, MAX_KEY_FILE_BYTES, MAX_RECORDS, parseKeyFile } from '../../../src/images/keys/key-file.ts';
import { formatNvram, parseNvram } from '../../../src/images/keys/nvram-file.ts';
import { type KeyFile, type KeyRecord, sha256Hex } from '../../../src/images/keys/records.ts';
import { formatRoot, parseRoot } from '../../../src/images/keys/root-file.ts';
import { MAX_CERTIFICATE_BYTES } from '../../../src/images/x509/certificate.ts';
import { fakeRootKey } from '../../support/fake-proofs.ts';
import { fuzzRuns, fuzzTimeout } from '../../support/fuzz.ts';

const RUNS = fuzzRuns(2000);

function record(changes: Partial<KeyRecord> = {}): KeyRecord {
  const certificate = Buffer.from('certificate');
  return {
    type: 'production',
    version: 'A',
    certificate,
    sha256: sha256Hex(certificate),
    spki: Buffer.from('key'),
    state: 'valid',
    proof: 'root',
    ...changes,
  };
}

const file: KeyFile = {
  generation: 3,
  floors: { production: 'B' },
  records: [record({ state: 'revoked' }), record({ version: 'B', proof: Buffer.from('envelope') })],
};

/** A copy with this body and a right header. */
function framed(body: string): Uint8Array {
  const bytes = Buffer.from(body);
  const header = `SEALIFT-KEYS 1 ${String(bytes.length).padStart(8, '0')} ${sha256Hex(bytes)}\n`;
  return Buffer.concat([Buffer.from(header), bytes]);
}

/** @returns why it is refused */
function refusal(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    if (error instanceof ImageError && error.code === 'ERR_KEY_STORAGE') return error.message;
    throw error;
  }
  return 'taken';
}

describe('a copy of the keys', () => {
  it('is written as docs/protocols/key-storage.md has it', () => {
    const proof = sha256Hex(Buffer.from('envelope'));
    const sha256 = sha256Hex(Buffer.from('certificate'));
    const common = `"sha256":"${sha256}","spki":"a2V5"`;
    const body =
      '{"floors":{"production":"B"},"generation":3,' +
      `"proofs":{"${proof}":"ZW52ZWxvcGU="},"records":[` +
      `{"certificate":"Y2VydGlmaWNhdGU=","proof":"root",${common},"state":"revoked","type":"production","version":"A"},` +
      `{"certificate":"Y2VydGlmaWNhdGU=","proof":"${proof}",${common},"state":"valid","type":"production","version":"B"}]}`;
    expect(Buffer.from(formatKeyFile(file)).toString()).toBe(Buffer.from(framed(body)).toString());
    expect(parseKeyFile(formatKeyFile(file), 'f')).toEqual(file);
  });

  it('is one file whatever the order of its records', () => {
    const turned = { ...file, records: [...file.records].reverse() };
    expect(formatKeyFile(turned)).toEqual(formatKeyFile(file));
  });

  it('is refused when one byte of it is another, wherever, and when it ends anywhere', () => {
    const bytes = formatKeyFile(file);
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [0x01, 0x20, 0x80]) {
        const changed = Uint8Array.from(bytes);
        changed[at] = (changed[at] as number) ^ flip;
        expect(refusal(() => parseKeyFile(changed, 'f'))).not.toBe('taken');
      }
      expect(refusal(() => parseKeyFile(bytes.subarray(0, at), 'f'))).not.toBe('taken');
    }
  });

  const body = Buffer.from(formatKeyFile(file)).toString().split('\n')[1] as string;
  it.each<[string, string, string]>([
    ['no JSON', '{', 'no canonical JSON'],
    ['white space', body.replace('{', '{ '), 'no canonical JSON'],
    ['a name twice', body.replace('{"floors"', '{"floors":{},"floors"'), 'no canonical JSON'],
    [
      'another order',
      body.replace('"type":"production","version":"A"', '"version":"A","type":"production"'),
      'no canonical JSON',
    ],
    ['another form of a number', body.replace(':3,', ':3.0,'), 'no canonical JSON'],
    ['an escape that is not needed', body.replace('"valid"', '"\\u0076alid"'), 'no canonical JSON'],
    ['a name more', body.replace('{"floors"', '{"extra":1,"floors"'), 'content: has a name that is not known'],
    ['__proto__', body.replace('{"floors"', '{"__proto__":{},"floors"'), 'content: has a name that is not known'],
    ['a name less', body.replace('"generation":3,', ''), 'content: has no generation'],
    ['an array', '[]', 'content: is no object'],
    ['no generation', body.replace(':3,', ':0,'), 'generation: is no whole number'],
    ['a generation that is none', body.replace(':3,', ':281474976710657,'), 'generation: is no whole number'],
    [
      'a floor that is no letter',
      body.replace('{"production":"B"}', '{"production":"BB"}'),
      'floor of production: is no letter',
    ],
    [
      'a floor of rollover keys',
      body.replace('{"production":"B"}', '{"rollover":"B"}'),
      'floors: has a name that is not known',
    ],
    [
      'a rollover key',
      body.replace('"type":"production","version":"A"', '"type":"rollover","version":"A"'),
      'record 1: type: is none of',
    ],
    ['another state', body.replace('"revoked"', '"unknown"'), 'record 1: state: is none of'],
    ['a proof that is not there', body.replace('ZW52ZWxvcGU=', 'ZW52ZWxvcGV='), 'proofs: is no base64'],
    ['another proof', body.replace('ZW52ZWxvcGU=', 'ZW52ZWxvcGY='), 'a name is not the SHA-256 of its proof'],
    ['base64 of nothing', body.replace('"spki":"a2V5"', '"spki":""'), 'record 1: spki: is no base64'],
    [
      'a record twice',
      body.replace(
        '"state":"revoked","type":"production","version":"A"}',
        '"state":"revoked","type":"production","version":"B"}',
      ),
      'one stands there twice',
    ],
  ])('is refused with %s', (_what, text, message) => {
    expect(text).not.toBe(body);
    expect(refusal(() => parseKeyFile(framed(text), 'f'))).toContain(message);
  });

  it('is bounded', () => {
    const many = Array.from({ length: MAX_RECORDS }, (_, index) => {
      const certificate = Buffer.alloc(MAX_CERTIFICATE_BYTES, `certificate ${index}`);
      return record({ certificate, sha256: sha256Hex(certificate), version: String.fromCharCode(65 + (index % 26)) });
    });
    const full = formatKeyFile({ ...file, records: many });
    expect(parseKeyFile(full, 'f').records).toHaveLength(MAX_RECORDS);
    expect(full.length).toBeLessThan(MAX_KEY_FILE_BYTES);
    expect(refusal(() => parseKeyFile(formatKeyFile({ ...file, records: [...many, record()] }), 'f'))).toContain(
      'more than 208 items',
    );
    const long = record({ certificate: Buffer.alloc(MAX_CERTIFICATE_BYTES + 1) });
    expect(refusal(() => parseKeyFile(formatKeyFile({ ...file, records: [long] }), 'f'))).toContain(
      'certificate: is no base64',
    );
    const proof = record({ proof: Buffer.alloc(MAX_ENVELOPE_BYTES + 1) });
    expect(refusal(() => parseKeyFile(formatKeyFile({ ...file, records: [proof] }), 'f'))).toContain(
      'proofs: is no base64',
    );
  });

  it('in a thousand levels is refused and does no harm', () => {
    for (const text of ['['.repeat(100_000) + ']'.repeat(100_000), '{"a":'.repeat(10_000)])
      expect(refusal(() => parseKeyFile(framed(text), 'f'))).toContain('no canonical JSON');
  });
});

describe('root.json and nvram.json', () => {
  const keys = ['rollover A', 'production A', 'special A'].map(fakeRootKey);
  const nvram = {
    generation: 7,
    floors: { special: 'C' },
    counters: { production: { A: 3, B: 0 }, 'rommon.special': { Z: 2 ** 32 - 1 } },
    tries: { [sha256Hex(Buffer.from('x'))]: 2 },
  };

  it('come back as they were written', () => {
    expect(parseRoot(formatRoot(keys)).keys.map(({ type, version }) => type + version)).toEqual([
      'rolloverA',
      'productionA',
      'specialA',
    ]);
    expect(parseNvram(formatNvram(nvram))).toEqual(nvram);
    expect(Buffer.from(formatNvram({ ...nvram, tries: {} })).toString()).toBe(
      '{"counters":{"production":{"A":3,"B":0},"rommon.special":{"Z":4294967295}},"floors":{"special":"C"},"fmt":1,"generation":7,"tries":{}}\n',
    );
  });

  it.each([
    ['no line break behind it', (text: string) => text.slice(0, -1)],
    ['another format', (text: string) => text.replace('"fmt":1', '"fmt":2')],
    ['something more', (text: string) => text.replace('{', '{"a":1,')],
    ['a byte order mark', (text: string) => `\ufeff${text}`],
  ])('are refused with %s', (_what, change) => {
    for (const [parse, bytes] of [
      [parseRoot, formatRoot(keys)],
      [parseNvram, formatNvram(nvram)],
    ] as const)
      expect(refusal(() => parse(Buffer.from(change(Buffer.from(bytes).toString()))))).not.toBe('taken');
  });

  it('are refused with numbers and names that they cannot have', () => {
    const without = formatRoot(keys.slice(1));
    expect(refusal(() => parseRoot(without))).toContain('there is no rollover key');
    const text = Buffer.from(formatNvram(nvram)).toString();
    for (const [from, to] of [
      ['4294967295', '4294967296'],
      ['"Z"', '"z"'],
      ['"B":0', '"B":-1'],
      ['"B":0', '"B":0.5'],
      ['rommon.special', 'rommon.x'],
    ] as const)
      expect(refusal(() => parseNvram(Buffer.from(text.replace(from, to))))).not.toBe('taken');
  });
});

describe('noise', () => {
  it('is refused by every parser, and nothing else happens', { timeout: fuzzTimeout(RUNS) }, () => {
    const good = [
      formatKeyFile(file),
      formatRoot(['rollover A'].map(fakeRootKey)),
      formatNvram({ generation: 1, floors: {}, counters: {}, tries: {} }),
    ];
    const mutated = fc
      .tuple(fc.nat(2), fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { minLength: 1, maxLength: 6 }))
      .map(([which, changes]) => {
        const bytes = Uint8Array.from(good[which] as Uint8Array);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        return bytes;
      });
    const bodies = fc.json({ maxDepth: 4 }).map(framed);
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated, bodies), (bytes) => {
        for (const parse of [parseRoot, parseNvram, (one: Uint8Array) => parseKeyFile(one, 'f')])
          refusal(() => parse(bytes));
        // What a key file takes is what it writes.
        if (refusal(() => parseKeyFile(bytes, 'f')) === 'taken')
          expect(Buffer.compare(formatKeyFile(parseKeyFile(bytes, 'f')), bytes)).toBe(0);
      }),
      { numRuns: RUNS },
    );
  });

  it('canonical JSON is one text for one value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = canonicalJson(value);
        const read = parseCanonicalJson(Buffer.from(text)) as JsonValue;
        expect(canonicalJson(read)).toBe(text);
        expect(JSON.stringify(JSON.parse(text))).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });
});
