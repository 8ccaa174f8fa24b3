import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { localFileSystem } from '../../../src/files/local.ts';
import { initKeyStorage } from '../../../src/images/keys/init.ts';
import { openKeyStorage } from '../../../src/images/keys/open.ts';
import type { ImageSigner } from '../../../src/images/sign.ts';
import type { KeyType } from '../../../src/images/types.ts';
import { describedAs, makeSigner, signed } from '../../support/image-keys.ts';
import { tempDirectory } from '../../support/temp.ts';

/** How many times the process is killed: SEALIFT_KILLS for more. */
const KILLS = Number(process.env['SEALIFT_KILLS'] ?? 12);

const program = fileURLToPath(new URL('../../support/key-changing-process.mjs', import.meta.url));

interface Keys {
  readonly rollover: ImageSigner;
  readonly production: ImageSigner;
  readonly envelopes: string;
}

/** Keys, and a revocation image for each version. */
async function makeKeys(base: string): Promise<Keys> {
  const envelopes = join(base, 'envelopes');
  await mkdir(envelopes);
  const rollover = await makeSigner('ed25519', 'rollover', 'A');
  for (let code = 66; code <= 90; code++) {
    const version = String.fromCharCode(code);
    const newKeys = [await makeSigner('ed25519', 'production', version)];
    const image = await signed(Buffer.from('x'), [rollover], { description: describedAs('revocation'), newKeys });
    await writeFile(join(envelopes, `${version}.p7s`), image.envelope);
  }
  return { rollover, production: await makeSigner('ed25519', 'production', 'A'), envelopes };
}

async function newStorage(folder: string, { rollover, production }: Keys): Promise<void> {
  await mkdir(folder, { mode: 0o755 });
  const directory = await localFileSystem({ pin: true }).directory(folder);
  const root = (type: KeyType, signer: ImageSigner) => ({ type, version: 'A', certificate: signer.certificate.bytes });
  await initKeyStorage(directory, [root('rollover', rollover), root('production', production)]);
  await directory.close();
}

/** Runs the process until it has printed so many lines, and kills it. @returns what it has printed */
async function runAndKill(folder: string, envelopes: string, lines: number): Promise<string> {
  const child = spawn(process.execPath, [program, folder, envelopes], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString();
    if (text.split('\n').length > lines) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return text;
}

it(`a process that is killed while it adds and revokes keys, ${KILLS} times, leaves a storage that can be used and does what it has said`, {
  timeout: 60_000 + KILLS * 1000,
}, async () => {
  const base = await tempDirectory('kill');
  const keys = await makeKeys(base);
  let folder = '';
  let newest = 'Z';
  let seed = 7;
  let interrupted = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    if (newest === 'Z') {
      folder = join(base, `keys-${kill}`);
      await newStorage(folder, keys);
      newest = 'A';
    }
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    const text = await runAndKill(folder, keys.envelopes, 1 + ((seed >> 8) % 37));
    const reported = [...text.matchAll(/^(added|revoked below) ([A-Z])$/gm)].map(([, what, version]) => [
      what,
      version,
    ]);
    const directory = await localFileSystem({ pin: true }).directory(folder);
    if ((await readdir(folder)).includes('lock')) interrupted++;
    const storage = await openKeyStorage(directory, { change: true });
    const found = storage.newest('production') as string;
    expect(found >= newest).toBe(true);
    for (const [what, version = ''] of reported) {
      expect(found >= version).toBe(true);
      if (what !== 'revoked below') continue;
      expect((storage.floor('production') as string) >= version).toBe(true);
      const before = String.fromCharCode(version.charCodeAt(0) - 1);
      expect(storage.keys('production', before).map(({ state }) => state)).toEqual(['revoked']);
    }
    expect(storage.problems.filter(({ kind }) => kind !== 'difference')).toEqual([]);
    await storage[Symbol.asyncDispose]();
    await directory.close();
    expect(await readFile(join(folder, 'primary.keys'))).toEqual(await readFile(join(folder, 'backup.keys')));
    expect((await readdir(folder)).sort()).toEqual(['backup.keys', 'nvram.json', 'primary.keys', 'root.json']);
    newest = found;
  }
  // Most were in the middle of something.
  expect(interrupted).toBeGreaterThan(KILLS / 4);
});
