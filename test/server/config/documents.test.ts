import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { configDocuments } from '../../../src/server/config/documents.ts';

it.each(configDocuments())('$path is what the schema gives (npm run docs:config writes it)', ({ path, text }) => {
  expect(readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')).toBe(text);
});
