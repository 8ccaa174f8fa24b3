import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { BootDevice, makeDeviceKeys } from '../../support/boot-device.ts';
import { tempDirectory } from '../../support/temp.ts';

/** The option of this Node.js that takes rights away. */
const permission = Number(process.versions.node.split('.')[0]) >= 24 ? '--permission' : '--experimental-permission';

it('K13: an image that is started with rights on the flash alone can neither write the key storage nor start a program', async () => {
  const base = await tempDirectory('rights');
  const [flash, store] = [join(base, 'flash'), join(base, 'store')];
  for (const folder of [flash, store]) await mkdir(folder);
  await writeFile(join(store, 'primary.keys'), 'keys');
  const program = `
    import { writeFileSync } from 'node:fs';
    import { spawnSync } from 'node:child_process';
    const attempt = (work) => { try { work(); return 'done'; } catch (error) { return error.code; } };
    console.log(attempt(() => writeFileSync(${JSON.stringify(join(flash, 'log'))}, 'x')));
    console.log(attempt(() => writeFileSync(${JSON.stringify(join(store, 'primary.keys'))}, 'x')));
    console.log(attempt(() => spawnSync('true')));
  `;
  const keys = await makeDeviceKeys();
  const device = await BootDevice.make(keys);
  await device.put('x.SPA', [keys.productionA], 'production', { payload: Buffer.from(program) });
  const decision = await device.decide(['x.SPA']);
  if (decision.kind !== 'start' || decision.payload.kind !== 'memory') throw new Error('nothing in memory');
  const rights = [permission, `--allow-fs-read=${flash}`, `--allow-fs-write=${flash}`, '--no-warnings'];
  const child = spawn(process.execPath, [...rights, '--input-type=module', '-'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString();
  });
  child.stdin.end(decision.payload.bytes);
  await once(child, 'close');
  expect(text.trim().split('\n')).toEqual(['done', 'ERR_ACCESS_DENIED', 'ERR_ACCESS_DENIED']);
  expect(await readFile(join(store, 'primary.keys'), 'utf8')).toBe('keys');
});
