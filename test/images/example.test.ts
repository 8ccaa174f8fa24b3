import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { verifySignature } from '../../src/images/algorithms/signatures.ts';
import { cutTail } from '../../src/images/image-file.ts';
import { FORMAT_ARC, IMAGE_INFO_OID, KEY_PURPOSE_OID } from '../../src/images/oids.ts';
import { readEnvelope } from '../../src/images/read-envelope.ts';
import { digestPayload, signImage } from '../../src/images/sign.ts';
import { exampleImage } from '../support/example-image.ts';
import { describedAs, lookupOf, trusted } from '../support/image-keys.ts';
import { expectRefused, imageErrorOf } from '../support/image-refusal.ts';

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

it('the example of the document is what is written, octet by octet, and its signature is right', async () => {
  const { signer, file } = await exampleImage();
  expect(documented().toString('hex')).toBe(file.toString('hex'));
  const { envelope } = cutTail(file, file.length);
  const [example] = readEnvelope(envelope).signers;
  const { publicKey } = signer.certificate;
  const { signedAttributes, signature } = example!.signerInfo;
  expect(verifySignature(publicKey, 'sha512', signedAttributes, signature)).toBe(true);
  expect(document).toContain(`\`${JSON.stringify(example!.info)}\``);
});

it('I20: the example, whose key is published, is refused also by who trusts that key', async () => {
  const { signer, file } = await exampleImage();
  const reason = /signed with a key that is published/;
  await expectRefused(file, lookupOf([trusted(signer)]), 'ERR_IMAGE_UNKNOWN_KEY', reason);
  const payload = await digestPayload([Buffer.from('x')]);
  const error = await imageErrorOf(() => signImage({ payload, description: describedAs() }, [signer]));
  expect(error).toMatchObject({ code: 'ERR_IMAGE_UNKNOWN_KEY', reason: expect.stringMatching(reason) });
});

it('the document has the object identifiers of the format', () => {
  expect(BigInt(FORMAT_ARC.slice('2.25.'.length))).toBe(
    BigInt(`0x${/UUID ([0-9a-f-]{36})/.exec(document)?.[1]?.replaceAll('-', '')}`),
  );
  for (const oid of [IMAGE_INFO_OID, KEY_PURPOSE_OID]) expect(document).toContain(oid);
});
