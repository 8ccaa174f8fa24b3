import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fstatSync, readSync, writeSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { keepInFile } from '../../../src/images/boot/payload.ts';
import { BootDevice, makeDeviceKeys, outcome } from '../../support/boot-device.ts';
import { tempDirectory } from '../../support/temp.ts';

const isLinux = process.platform === 'linux';

/** Runs node with an image's program. */
async function run(args: readonly string[], input: Uint8Array | undefined, fd: number | undefined): Promise<string> {
  const stdio = ['pipe', 'pipe', 'inherit', ...(fd === undefined ? [] : [fd])] as ('pipe' | 'inherit' | number)[];
  const child = spawn(process.execPath, args, { stdio });
  let text = '';
  child.stdout?.on('data', (data: Buffer) => {
    text += data.toString();
  });
  child.stdin?.end(input);
  await once(child, 'close');
  return text;
}

it('bytes in memory start through a pipe', async () => {
  const device = await BootDevice.make(await makeDeviceKeys());
  const keys = await makeDeviceKeys();
  const own = await BootDevice.make(keys);
  await own.put('x.SPA', [keys.productionA], 'production', { payload: Buffer.from("console.log('started');\n") });
  const decision = await own.decide(['x.SPA']);
  if (decision.kind !== 'start' || decision.payload.kind !== 'memory') throw new Error('not in memory');
  expect(await run(['--input-type=module', '-'], decision.payload.bytes, undefined)).toBe('started\n');
  await decision.payload[Symbol.asyncDispose]();
  // Another device knows none of these keys.
  expect((await device.decide(['x.SPA'])).kind).toBe('none');
});

it.runIf(isLinux)('larger ones start from a descriptor whose file has no name and cannot be written', async () => {
  const folder = await tempDirectory('boot');
  const keys = await makeDeviceKeys();
  const device = await BootDevice.make(keys);
  const program = Buffer.from(`console.log('started');//${'x'.repeat(2_000_000)}\n`);
  await device.put('x.SPA', [keys.productionA], 'production', { payload: program });
  const refused = await device.decide(['x.SPA'], { memoryBytes: 1000 });
  expect(outcome(refused)).toBe('x.SPA: ERR_IMAGE_POLICY, none');
  expect(refused.refused[0]?.error.cure).toBe('give a folder where larger ones are kept');
  const decision = await device.decide(['x.SPA'], { memoryBytes: 1000, folder });
  if (decision.kind !== 'start' || decision.payload.kind !== 'descriptor') throw new Error('no descriptor');
  const { fd, size } = decision.payload;
  expect(size).toBe(program.length);
  expect(await readdir(folder)).toEqual([]);
  const status = fstatSync(fd);
  expect([status.nlink, status.mode & 0o777]).toEqual([0, 0o600]);
  const content = Buffer.alloc(size);
  expect(readSync(fd, content, 0, size, 0)).toBe(size);
  expect(content.equals(program)).toBe(true);
  expect(() => writeSync(fd, 'evil', 0)).toThrow('EBADF');
  expect(await run(['--preserve-symlinks-main', '/proc/self/fd/3'], undefined, fd)).toBe('started\n');
  await decision.payload[Symbol.asyncDispose]();
  await decision.payload[Symbol.asyncDispose]();
  expect(() => fstatSync(fd)).toThrow('EBADF');
});

it('an image that turns out to be wrong leaves nothing open and nothing in the folder', async () => {
  const folder = await tempDirectory('boot');
  const keys = await makeDeviceKeys();
  const device = await BootDevice.make(keys);
  await device.put('x.SPA', [keys.productionA], 'production', { payload: Buffer.alloc(100_000, 'x') });
  const file = await device.flash.open('x.SPA', { access: 'write' });
  await file.write([Buffer.from('y')], 50_000);
  const before = isLinux ? (await readdir('/proc/self/fd')).length : 0;
  const decision = await device.decide(['x.SPA'], { memoryBytes: 1000, folder });
  expect(outcome(decision)).toBe('x.SPA: ERR_IMAGE_DIGEST, none');
  expect(await readdir(folder)).toEqual([]);
  if (isLinux) expect((await readdir('/proc/self/fd')).length).toBe(before);
  const missing = await device.decide(['x.SPA'], { memoryBytes: 1000, folder: `${folder}/missing` });
  expect(outcome(missing)).toBe('x.SPA: ENOENT, none');
});

it('a keeper that is given up is closed', async () => {
  const folder = await tempDirectory('boot');
  const keeper = await keepInFile(folder);
  await keeper.write(Buffer.from('x'));
  await keeper[Symbol.asyncDispose]();
  expect(await readdir(folder)).toEqual([]);
});

it('an image that is larger than the policy takes is refused before it is read', async () => {
  const keys = await makeDeviceKeys();
  const device = await BootDevice.make(keys);
  await device.put('x.SPA', [keys.productionA], 'production', { payload: Buffer.alloc(5000) });
  const begin = device.disk.calls.length;
  expect(outcome(await device.decide(['x.SPA'], { policy: { maxSize: 4999 } }))).toBe('x.SPA: ERR_IMAGE_POLICY, none');
  // The end of the file alone.
  expect(device.disk.calls.slice(begin).filter((call) => call === 'read x.SPA')).toHaveLength(1);
});
