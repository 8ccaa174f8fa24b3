import { beforeAll, describe, expect, it } from 'vitest';
import { authenticityLines, authenticityOfFile, displayLine } from '../../src/images/display.ts';
import { imageExtension, imageTypes, keyTypeFor } from '../../src/images/image-types.ts';
import { inspectEnvelope } from '../../src/images/inspect.ts';
import type { ImageSigner } from '../../src/images/sign.ts';
import { verifyEnvelope } from '../../src/images/verify-envelope.ts';
import { makeCertificate, NO_EXPIRY } from '../../src/images/x509/make-certificate.ts';
import { describedAs, lookupOf, makeSigner, signed, signerName, testTime, trusted } from '../support/image-keys.ts';

const payload = Buffer.from('payload');
let signer: ImageSigner;
beforeAll(async () => {
  const { privateKey } = await makeSigner('rsa-2048');
  const certificate = makeCertificate({
    privateKey,
    name: signerName,
    purpose: { type: 'special', version: 'A' },
    notBefore: testTime,
    notAfter: NO_EXPIRY,
    serial: Buffer.from('4a8b0c1d', 'hex'),
  });
  signer = { privateKey, certificate };
});

describe('show software authenticity file', () => {
  it('looks as the device prints it, for an image that was verified and for one that was only read', async () => {
    const { envelope } = await signed(payload, [signer], { description: describedAs('special') });
    const expected = [
      'File Name                     : flash0:c3900-universalk9-mz.SSA',
      'Image type                    : Development',
      '    Signer Information',
      '        Common Name           : Sealift Test Maker',
      '        Organization Unit     : NX3900',
      '        Organization Name     : Example Networks',
      '    Certificate Serial Number : 4A8B0C1D',
      '    Hash Algorithm            : SHA512',
      '    Signature Algorithm       : 2048-bit RSA',
      '    Key Version               : A',
      '',
    ].join('\n');
    const name = 'flash0:c3900-universalk9-mz.SSA';
    expect(authenticityOfFile(name, inspectEnvelope(envelope))).toBe(expected);
    expect(authenticityOfFile(name, verifyEnvelope(envelope, lookupOf([trusted(signer)]), {}))).toBe(expected);
  });

  it('has a part for each signer', async () => {
    const others = [await makeSigner('ed25519', 'production', 'B'), await makeSigner('ecdsa-p384')];
    const { envelope } = await signed(payload, others);
    const lines = authenticityLines(verifyEnvelope(envelope, lookupOf(others.map((one) => trusted(one))), {}));
    expect(lines[0]).toBe('Image type                    : Release');
    expect(lines.filter((line) => line === '    Signer Information')).toHaveLength(2);
    expect(lines.filter((line) => line.includes('Signature Algorithm'))).toEqual([
      '    Signature Algorithm       : Ed25519',
      '    Signature Algorithm       : ECDSA P-384',
    ]);
    expect(lines.filter((line) => line.includes('Key Version')).map((line) => line.at(-1))).toEqual(['B', 'A']);
  });

  it('lets no value begin a line or act on a terminal', () => {
    expect(displayLine(4, 'Name', 'a\nb\r\u001b[1m\u202e\u0085')).toBe(
      '    Name                      : a\\012b\\015\\033[1m\\342\\200\\256\\302\\205',
    );
    expect(displayLine(0, 'Name', '')).toBe('Name                          :');
  });
});

it('the types of images have their extensions and keys', () => {
  const table = imageTypes.map((type) => [type, keyTypeFor(type), imageExtension(type, 'C')]);
  expect(table).toEqual([
    ['production', 'production', 'SPC'],
    ['special', 'special', 'SSC'],
    ['revocation', 'rollover', 'SRC'],
    ['rommon.production', 'production', 'SPC'],
    ['rommon.special', 'special', 'SSC'],
  ]);
});
