import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { writeCertificatePem } from '../../src/images/x509/pem.ts';
import { describedAs, makeSigner, signed } from '../support/image-keys.ts';
import { describePeer } from '../support/peers.ts';
import { runProgram } from '../support/sealift.ts';
import { snippetsOfGuide } from '../support/snippets.ts';
import { tempDirectory } from '../support/temp.ts';

const document = fileURLToPath(new URL('../../docs/protocols/image-format.md', import.meta.url));

describePeer(['openssl'], 'the commands of the document of the format', () => {
  it.each(['rsa-3072', 'ecdsa-p256'] as const)(
    'verify an image signed with %s, and no other payload',
    async (algorithm) => {
      const [script] = snippetsOfGuide(document, 'sh').map(({ code }) => `set -euo pipefail\n${code}`);
      const folder = await tempDirectory('document');
      const signer = await makeSigner(algorithm);
      const { file } = await signed(Buffer.from('line\r\nline\n'.repeat(1000)), [signer], {
        description: describedAs(),
      });
      writeFileSync(join(folder, 'image.SPA'), file);
      writeFileSync(join(folder, 'signer.crt'), writeCertificatePem(signer.certificate));
      const good = await runProgram('bash', ['-c', script ?? 'false'], { cwd: folder });
      expect(good, good.stderr).toMatchObject({ status: 0 });
      expect(good.stderr).toContain('CAdES Verification successful');
      expect(readFileSync(join(folder, 'attributes.txt'), 'utf8')).toContain('"product":"NX3900"');
      file[10] = (file[10] as number) ^ 1;
      writeFileSync(join(folder, 'image.SPA'), file);
      expect((await runProgram('bash', ['-c', script ?? 'true'], { cwd: folder })).status).not.toBe(0);
    },
  );
});

describe('the document', () => {
  it('names every code of an image, and none that is not there', () => {
    const errors = readFileSync(fileURLToPath(new URL('../../src/base/errors.ts', import.meta.url)), 'utf8');
    const codes = (text: string): string[] => [...new Set(text.match(/ERR_IMAGE_[A-Z_]+/g))].sort();
    expect(codes(readFileSync(document, 'utf8'))).toEqual(codes(errors));
  });
});
