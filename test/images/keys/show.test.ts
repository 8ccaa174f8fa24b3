import { createPrivateKey, createPublicKey, type JsonWebKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { initKeyStorage } from '../../../src/images/keys/init.ts';
import { openKeyStorage } from '../../../src/images/keys/open.ts';
import { shownKeyLines, shownKeys, shownKeysJson } from '../../../src/images/keys/show-keys.ts';
import { storageJson, storageLines, viewStorage } from '../../../src/images/keys/show-storage.ts';
import type { ImageSigner } from '../../../src/images/sign.ts';
import { makeSigner } from '../../support/image-keys.ts';
import { add, makeKeyFolder, production, putFile, revocation, revoke, withStorage } from '../../support/key-folder.ts';
import { PowerCutDisk } from '../../support/power-cut-disk.ts';

function jwkOf({ privateKey }: ImageSigner): JsonWebKey {
  const key = typeof privateKey === 'object' && 'type' in privateKey ? privateKey : createPrivateKey(privateKey);
  return createPublicKey(key).export({ format: 'jwk' });
}

/** Upper-case octets, 16 in a line. */
function block(octets: Buffer): string[] {
  const pairs = octets.toString('hex').toUpperCase().match(/../g) as string[];
  const lines: string[] = [];
  while (pairs.length > 0) lines.push(`        ${pairs.splice(0, 16).join(':')}:`);
  return lines.map((line, index) => (index === lines.length - 1 ? line.slice(0, -1) : line));
}

describe('show software authenticity keys', () => {
  it('shows the octets of every kind of key, Primary, Backup and the root', async () => {
    const rollover = await makeSigner('ed25519', 'rollover', 'A');
    const rsa = await makeSigner('rsa-2048', 'production', 'A');
    const ec = await makeSigner('ecdsa-p256', 'special', 'C');
    const directory = new PowerCutDisk().directory('keys');
    await initKeyStorage(directory, [
      { type: 'rollover', version: 'A', certificate: rollover.certificate.bytes },
      { type: 'production', version: 'A', certificate: rsa.certificate.bytes },
      { type: 'special', version: 'C', certificate: ec.certificate.bytes },
    ]);
    const keys = shownKeys(await openKeyStorage(directory));
    const base64url = (text: string | undefined): Buffer => Buffer.from(text as string, 'base64url');
    const modulus = base64url(jwkOf(rsa).n);
    const point = Buffer.concat([Buffer.of(4), base64url(jwkOf(ec).x), base64url(jwkOf(ec).y)]);
    const release = (number: number, storage: string): string[] => [
      `Public Key #${number} Information`,
      '-------------------------',
      `Key Type             : Release  (${storage})`,
      'Public Key Algorithm : RSA',
      'Modulus :',
      ...block(modulus),
      'Exponent : 65537',
      'Key Version          : A',
    ];
    const development = (number: number, storage: string): string[] => [
      `Public Key #${number} Information`,
      '-------------------------',
      `Key Type             : Development  (${storage})`,
      'Public Key Algorithm : ECDSA P-256',
      'Public Key :',
      ...block(point),
      'Key Version          : C',
    ];
    expect(modulus).toHaveLength(256);
    expect(shownKeyLines(keys)).toEqual([
      ...release(1, 'Primary'),
      ...development(2, 'Primary'),
      ...release(3, 'Backup'),
      ...development(4, 'Backup'),
      'Public Key #5 Information',
      '-------------------------',
      'Key Type             : Rollover  (Root)',
      'Public Key Algorithm : Ed25519',
      'Public Key :',
      ...block(base64url(jwkOf(rollover).x)),
      'Key Version          : A',
    ]);
    expect(JSON.parse(shownKeysJson(keys))).toMatchObject([
      { type: 'production', storage: 'Primary', modulus: modulus.toString('hex'), exponent: 65537, version: 'A' },
      { type: 'special', publicKey: point.toString('hex') },
      { storage: 'Backup' },
      { storage: 'Backup' },
      { type: 'rollover', storage: 'Root', algorithm: 'Ed25519' },
    ]);
  });

  it('leaves out keys that are revoked', async () => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation());
    await revoke(folder, 'production');
    const keys = await withStorage(folder, {}, shownKeys);
    expect(keys.map(({ type, version, storage }) => `${type} ${version} ${storage}`)).toEqual([
      'production B Primary',
      'special A Primary',
      'production B Backup',
      'special A Backup',
      'rollover A Root',
    ]);
  });
});

describe('store show', () => {
  it('shows states, floors, where each key is and where it came from, and what is wrong', async () => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation());
    await revoke(folder, 'production');
    await add(folder, 'special', production('production B'));
    await putFile(folder, 'backup.keys', Buffer.from('x'));
    const view = await withStorage(folder, {}, viewStorage);
    const lines = storageLines(view);
    expect(lines.slice(0, 4)).toEqual([
      'Key storage               : keys',
      'Generation                : 4',
      'Floor of production keys  : B',
      'Floor of special keys     : none',
    ]);
    expect(lines.slice(5).map((line) => line.replaceAll(/ {2,}/g, '|').replaceAll(/[0-9a-f]{16}/g, 'HASH'))).toEqual([
      'Type|Version|State|Storages|Certificate|Proof',
      'rollover|A|valid|root|HASH|root',
      'production|A|revoked|root, primary|HASH|root',
      'production|B|valid|primary|HASH|HASH',
      'special|A|valid|root, primary|HASH|root',
      'special|B|valid|primary|HASH|HASH',
      '% Warning: backup.keys: does not begin as a key storage does',
    ]);
    expect(JSON.parse(storageJson(view))).toMatchObject({
      generation: 4,
      floors: { production: 'B' },
      isRecovery: false,
      problems: [{ kind: 'copy', copy: 'backup' }],
    });
  });

  it('says that a storage cannot be used', async () => {
    const folder = await makeKeyFolder();
    for (const name of ['primary.keys', 'backup.keys']) await putFile(folder, name, new Uint8Array());
    const lines = await withStorage(folder, { recover: true }, (storage) => storageLines(viewStorage(storage)));
    expect(lines[1]).toBe('State                     : NOT USABLE, only rollover keys are known');
    expect(lines.filter((line) => line.startsWith('rollover'))).toHaveLength(1);
  });
});
