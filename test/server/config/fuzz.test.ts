import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseConfig } from '../../../src/server/config/parse.ts';
import { ConfigError } from '../../../src/server/config/problems.ts';
import { fuzzRuns, fuzzTimeout } from '../../support/fuzz.ts';

/** Inputs for each of four kinds. */
const RUNS = Math.ceil(fuzzRuns(10_000) / 4);

const example = readFileSync(new URL('../../../examples/sealift.yaml', import.meta.url), 'utf8');

/** Gives a configuration or a ConfigError with printable messages, and nothing else. */
function takes(text: string): void {
  try {
    parseConfig(text, 'f.yaml');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
    expect(error.message).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
  }
}

const pieces = fc.constantFrom(
  'a',
  'roots',
  'users',
  'name',
  'path',
  'limits',
  ':',
  ': ',
  '- ',
  '\n',
  '\n  ',
  '\n    ',
  '[',
  ']',
  '{',
  '}',
  ',',
  '&a ',
  '*a',
  '!t ',
  '"',
  "'",
  '|',
  '>',
  '#',
  '%',
  '@',
  '`',
  '?',
  '? ',
  '---',
  '...',
  '\t',
  '\r',
  '\u0000',
  '\u202e',
  '<<',
  '0x1f',
  '.inf',
  'null',
  '~',
  'true',
  '-1',
  '1e999',
  '10 GiB',
  '2 min',
  '\\',
  '\ufeff',
  '\ud800',
);

it.each<[string, fc.Arbitrary<string>]>([
  ['random text', fc.string({ unit: 'binary', maxLength: 300 })],
  ['pieces of YAML', fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join(''))],
  [
    'the example with a part replaced',
    fc
      .tuple(fc.nat(example.length), fc.nat(40), fc.array(pieces, { maxLength: 4 }))
      .map(([at, length, parts]) => example.slice(0, at) + parts.join('') + example.slice(at + length)),
  ],
  ['JSON of any shape', fc.json({ maxDepth: 6 })],
])(
  '%s gives a configuration or problems, soon',
  (_, texts) => {
    fc.assert(fc.property(texts, takes), { numRuns: RUNS });
  },
  fuzzTimeout(RUNS, 20),
);
