import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/base/errors.ts';
import { silentObserver } from '../../src/copy/observer.ts';
import { limited } from '../../src/files/limited.ts';
import { dropZone } from '../../src/files/presets.ts';
import { Room } from '../../src/files/room.ts';
import { type RootedFileSystem, rootedFileSystem } from '../../src/files/rooted.ts';
import { scanUsage } from '../../src/files/usage-scan.ts';
import { runScpService } from '../../src/server/scp-service.ts';
import { type FaultPoint, Faults, faulty } from '../support/step-faults.ts';
import { createTempDirectory } from '../support/temp.ts';

/** More than is written at once, so that there are several writes. */
const CONTENT = Buffer.alloc(1_200_000, 'new ');
const OLD = Buffer.alloc(700_000, 'old ');

interface Outcome {
  readonly status: 0 | 1;
  readonly reply: string;
  readonly names: readonly string[];
  readonly content: Buffer | undefined;
  readonly asked: readonly FaultPoint[];
  readonly isCountRight: boolean;
}

/** Uploads one file as `scp -p -t f` would, with the faults. */
async function upload(
  kind: { readonly replaces: boolean; readonly layer: (fileSystem: RootedFileSystem) => RootedFileSystem },
  plan: Faults['plan'],
): Promise<Outcome> {
  const temporary = await createTempDirectory('faults');
  try {
    if (kind.replaces) await writeFile(join(temporary.path, 'f'), OLD);
    const faults = new Faults();
    faults.plan = plan;
    const plain = rootedFileSystem(temporary.path);
    const room = await Room.open(plain, { quota: 2_000_000 });
    const fileSystem = kind.layer(limited(faulty(plain, faults), room));
    const input = new PassThrough();
    const output = new PassThrough();
    const replies: Buffer[] = [];
    output.on('data', (reply: Buffer) => replies.push(reply));
    input.end(Buffer.concat([Buffer.from(`T5 0 6 0\nC0640 ${CONTENT.length} f\n`), CONTENT, Buffer.of(0)]));
    const status = await runScpService(input, output, {
      request: { role: 'sink', recursive: false, preserve: true, targetIsDirectory: false, verbose: false },
      paths: [{ path: 'f' }],
      fileSystem,
      globMatches: 10,
      durable: true,
      observer: silentObserver,
      signal: new AbortController().signal,
    });
    const names = await readdir(temporary.path);
    const { bytes, entries } = await scanUsage(plain);
    const counted = room.usage;
    return {
      status,
      reply: Buffer.concat(replies).toString(),
      names,
      content: names.includes('f') ? await readFile(join(temporary.path, 'f')) : undefined,
      asked: faults.asked,
      isCountRight: counted.amount.bytes === bytes && counted.amount.entries === entries && counted.reserved === 0,
    };
  } finally {
    await temporary.remove();
  }
}

const codes: readonly ErrorCode[] = ['ENOSPC', 'EIO', 'EDQUOT', 'EMFILE', 'EINTR'];

describe.each([
  ['of a new name', { replaces: false, layer: (one: RootedFileSystem) => one }],
  ['that replaces a file', { replaces: true, layer: (one: RootedFileSystem) => one }],
  ['into a drop zone', { replaces: false, layer: (one: RootedFileSystem) => dropZone(one) }],
] as const)('an upload %s', (_, kind) => {
  it('that meets a fault at any step leaves the whole old or the whole new content, and says so', async () => {
    const good = await upload(kind, undefined);
    expect(good).toMatchObject({ status: 0, reply: '\0\0\0\0', names: ['f'], isCountRight: true });
    expect(good.content?.equals(CONTENT)).toBe(true);
    for (const point of ['open', 'write', 'sync', 'sync directory'] as const) expect(good.asked).toContain(point);
    expect(good.asked.some((point) => point === 'rename' || point === 'link')).toBe(true);
    for (let nth = 0; nth < good.asked.length; nth++) {
      for (const code of codes) {
        const where = `${code} at ${nth} (${good.asked[nth]})`;
        const { status, reply, names, content, isCountRight } = await upload(kind, { nth, code });
        const isNew = content?.equals(CONTENT) === true;
        const isOld = kind.replaces ? content?.equals(OLD) === true : content === undefined;
        expect([where, isNew || isOld]).toEqual([where, true]);
        expect([where, names.filter((name) => name !== 'f')]).toEqual([where, []]);
        expect([where, isCountRight]).toEqual([where, true]);
        // Success is said of nothing but the new content; an error has a text.
        if (status === 0) expect([where, isNew]).toEqual([where, true]);
        else expect([where, reply.split('\u0001')[1]]).toEqual([where, expect.stringMatching(/^scp: \/f?: .+\n/)]);
        expect([where, status === 0]).toEqual([where, !reply.includes('\u0001')]);
      }
    }
  }, 120_000);
});
