import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { FORMAT_ARC, IMAGE_INFO_OID, KEY_PURPOSE_OID } from '../../src/images/oids.ts';
import { exampleImage } from '../support/example-image.ts';
import { lookupOf, trusted } from '../support/image-keys.ts';
import { verifyBytes } from '../support/image-refusal.ts';

const document = readFileSync(fileURLToPath(new URL('../../docs/protocols/image-format.md', import.meta.url)), 'utf8');

/** The octets that stand in the document. */
function documented(): Buffer {
  const block = /^```hex\n(.*?)^```$/ms.exec(document)?.[1] ?? '';
  const lines = block.trimEnd().split('\n');
  const parts = lines.map((line) => {
    const [offset = '', octets = ''] = line.split('  ');
    return { offset: Number.parseInt(offset, 16), octets: Buffer.from(octets, 'hex') };
  });
  let at = 0;
  for (const { offset, octets } of parts) {
    expect(offset).toBe(at);
    at += octets.length;
  }
  return Buffer.concat(parts.map(({ octets }) => octets));
}

it('the example of the document is what is written, octet by octet, and is verified', async () => {
  const { signer, file } = await exampleImage();
  expect(documented().toString('hex')).toBe(file.toString('hex'));
  const { info } = await verifyBytes(documented(), lookupOf([trusted(signer)]));
  expect(document).toContain(`\`${JSON.stringify(info)}\``);
});

it('the document has the object identifiers of the format', () => {
  expect(BigInt(FORMAT_ARC.slice('2.25.'.length))).toBe(
    BigInt(`0x${/UUID ([0-9a-f-]{36})/.exec(document)?.[1]?.replaceAll('-', '')}`),
  );
  for (const oid of [IMAGE_INFO_OID, KEY_PURPOSE_OID]) expect(document).toContain(oid);
});
