import { createHash } from 'node:crypto';
import { chmod, link, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CopyObserver } from '../../src/copy/observer.ts';
import { copyBetween, copyHere, downloadBySftp, type SftpCopyOptions, uploadBySftp } from '../../src/copy/sftp-copy.ts';
import { TreeReceiver } from '../../src/copy/tree-receiver.ts';
import { TreeSender } from '../../src/copy/tree-sender.ts';
import type { OpenFile } from '../../src/files/file-system.ts';
import { localFileSystem } from '../../src/files/local.ts';
import { ScpLink } from '../../src/scp/link.ts';
import { runSink } from '../../src/scp/sink.ts';
import { ScpSource } from '../../src/scp/source.ts';
import { sftpFileSystem } from '../../src/sftp/file-system.ts';
import { MARK, type MarkCheck, markCheck, marked } from '../support/content-check.ts';
import { openClient } from '../support/sftp-client.ts';
import { wire } from '../support/streams.ts';
import { tempDirectory } from '../support/temp.ts';

let here: string;
let there: string;
let check: MarkCheck;
let told: string[];
let observer: CopyObserver;

beforeEach(async () => {
  here = await tempDirectory('here');
  there = await tempDirectory('there');
  check = markCheck();
  told = [];
  observer = {
    fileStarted: (name) => ({
      moved() {},
      resumed: (bytes) => told.push(`${name} resumed ${bytes}`),
      verified: ({ signers }) => told.push(`${name} signed by ${signers[0]?.type} ${signers[0]?.version}`),
      finished: (landed) => told.push(`${name} ${landed ? 'landed' : 'not landed'}`),
    }),
    failed: (error) => told.push(error.message.replaceAll(here, 'HERE').replaceAll(there, 'THERE')),
  };
});

const options = (more: Partial<SftpCopyOptions> = {}): SftpCopyOptions => ({
  recursive: true,
  preserve: true,
  modeMask: 0o777,
  targetIsDirectory: false,
  observer,
  content: check,
  parallel: 1,
  ...more,
});

const remote = async () =>
  sftpFileSystem((await openClient({ root: there })).client, { shown: (path) => `host:${path}` });

/** One way from a folder to another. */
interface Way {
  readonly name: string;
  readonly from: () => string;
  readonly to: () => string;
  copy(name: string, target: string, more?: Partial<SftpCopyOptions>): Promise<number>;
}

const ways: readonly Way[] = [
  {
    name: 'up by SFTP',
    from: () => here,
    to: () => there,
    copy: async (name, target, more) =>
      await uploadBySftp(localFileSystem(), [join(here, name)], await remote(), `/${target}`, options(more)),
  },
  {
    name: 'down by SFTP',
    from: () => there,
    to: () => here,
    copy: async (name, target, more) =>
      await downloadBySftp(await remote(), [`/${name}`], localFileSystem(), join(here, target), options(more)),
  },
  {
    name: 'on this machine',
    from: () => here,
    to: () => there,
    copy: async (name, target, more) =>
      await copyHere(localFileSystem(), [join(here, name)], localFileSystem(), join(there, target), options(more)),
  },
];

describe.each(ways)('content that is verified on its way $name', ({ from, to, copy }) => {
  it('lands if it is good, in one look, and leaves nothing if it is not', async () => {
    await writeFile(join(from(), 'good'), marked('x'.repeat(600_000)));
    await writeFile(join(from(), 'bad'), 'x'.repeat(600_000));
    expect(await copy('good', 'image')).toBe(0);
    expect(check).toMatchObject({ looks: 1, bytes: 600_000 + MARK.length });
    expect(await copy('bad', 'other')).toBe(1);
    expect(await copy('bad', 'image')).toBe(1);
    expect(await readdir(to())).toEqual(['image']);
    expect(await readFile(join(to(), 'image'), 'utf8')).toBe(`${'x'.repeat(600_000)}${MARK}`);
    const why = expect.stringMatching(/(^|\/)bad: has no signature envelope$/);
    const failed = ['bad not landed', why];
    expect(told).toEqual(['good signed by production A', 'good landed', ...failed, ...failed]);
  });

  it('goes on with the other files of a tree', async () => {
    await mkdir(join(from(), 'tree'));
    for (const name of ['a', 'c']) await writeFile(join(from(), 'tree', name), marked(name));
    await writeFile(join(from(), 'tree', 'b'), 'b');
    await writeFile(join(from(), 'tree', 'empty'), '');
    expect(await copy('tree', 'tree')).toBe(2);
    expect((await readdir(join(to(), 'tree'))).sort()).toEqual(['a', 'c']);
  });

  it('is not moved at all where it is refused early', async () => {
    await writeFile(join(from(), 'bad'), `!${'x'.repeat(3_000_000)}`);
    expect(await copy('bad', 'image', { resume: true })).toBe(1);
    expect(check.bytes).toBeLessThan(1_000_000);
    expect(await readdir(to())).toEqual([]);
    expect(told.at(-1)).toMatch(/bad: it is certain already$/);
  });

  it('is compared besides, where that is asked for too', async () => {
    await writeFile(join(from(), 'good'), marked('x'));
    expect(await copy('good', 'image', { verify: true })).toBe(0);
    expect(await readdir(to())).toEqual(['image']);
  });

  it('is looked at as a whole where it goes on with what was there', async () => {
    const content = marked('0123456789'.repeat(30_000));
    await writeFile(join(from(), 'good'), content);
    // What an earlier attempt leaves.
    const part = async (text: Buffer | string): Promise<void> => {
      const { mtimeMs, ino } = await stat(join(from(), 'good'));
      const isFar = from() === there;
      const identity = `${content.length} ${isFar ? Math.floor(mtimeMs / 1000) : mtimeMs / 1000} ${isFar ? 0 : ino}`;
      const key = createHash('sha256').update(identity).digest('hex').slice(0, 12);
      await writeFile(join(to(), `.image.${key}.sealift-part`), text);
    };
    await part(content.subarray(0, 200_000));
    expect(await copy('good', 'image', { resume: true })).toBe(0);
    expect(told).toEqual(['good resumed 200000', 'good signed by production A', 'good landed']);
    expect(check.bytes).toBe(content.length);
    expect((await readFile(join(to(), 'image'))).equals(content)).toBe(true);
    // Its end agrees with the source, so that only the look at the whole tells that it is another beginning.
    told = [];
    const spoiled = Buffer.from(content.subarray(0, 200_000));
    spoiled[10] = 0x21;
    await part(spoiled);
    expect(await copy('good', 'image', { resume: true })).toBe(1);
    expect(told[0]).toBe('good resumed 200000');
    expect(told).toContain('good not landed');
    expect((await readFile(join(to(), 'image'))).equals(content)).toBe(true);
    expect(await readdir(to())).toEqual(['image']);
  });
});

describe('content that is verified', () => {
  it('is never written where it stands: not to devices, links to nowhere, or files beside which nothing can be made', async () => {
    await writeFile(join(there, 'good'), marked('new'));
    const download = async (target: string): Promise<number> =>
      await downloadBySftp(await remote(), ['/good'], localFileSystem(), target, options({ recursive: false }));
    expect(await download('/dev/null')).toBe(1);
    await symlink('nowhere', join(here, 'dangling'));
    expect(await download(join(here, 'dangling'))).toBe(1);
    expect(await readdir(here)).toEqual(['dangling']);
    for (const line of told.filter((text) => text.includes(':')))
      expect(line).toMatch(/would be written where it stands/);
    expect(told.length).toBe(4);
  });

  it('fills a file that keeps its other names with good content only', async () => {
    await writeFile(join(there, 'good'), marked('new'));
    await writeFile(join(there, 'bad'), 'bad');
    await writeFile(join(here, 'image'), 'old');
    await link(join(here, 'image'), join(here, 'other'));
    const download = async (name: string): Promise<number> =>
      await downloadBySftp(
        await remote(),
        [name],
        localFileSystem(),
        join(here, 'image'),
        options({ recursive: false }),
      );
    expect(await download('/bad')).toBe(1);
    expect(await readFile(join(here, 'other'), 'utf8')).toBe('old');
    expect(await download('/good')).toBe(0);
    expect(await readFile(join(here, 'other'), 'utf8')).toBe(`new${MARK}`);
    expect((await readdir(here)).sort()).toEqual(['image', 'other']);
  });

  it.runIf(process.getuid?.() !== 0)('is refused where nothing can be made beside the target', async () => {
    await writeFile(join(there, 'good'), marked('new'));
    await writeFile(join(here, 'image'), 'old');
    await chmod(here, 0o500);
    expect(await downloadBySftp(await remote(), ['/good'], localFileSystem(), join(here, 'image'), options())).toBe(1);
    await chmod(here, 0o700);
    expect(await readFile(join(here, 'image'), 'utf8')).toBe('old');
  });

  it('is not copied on the spot by the server, which would tell nobody what it is', async () => {
    await writeFile(join(there, 'bad'), 'x');
    const files = await remote();
    expect(await copyBetween(files, ['/bad'], files, '/image', options())).toBe(1);
    expect(await readdir(there)).toEqual(['bad']);
  });
});

describe('content that is verified by the SCP protocol', () => {
  it('is looked at as it comes in', async () => {
    const { left, right } = wire();
    const source = (async () => {
      const link = new ScpLink(left.input, left.output, 'there');
      const sender = new TreeSender(await ScpSource.start(link), {
        recursive: true,
        preserve: false,
        observer: { fileStarted: () => ({ moved() {}, finished() {} }), failed() {} },
      });
      await sender.send(localFileSystem(), join(there, 'tree'));
      left.output.end();
      return sender.failures;
    })();
    await mkdir(join(there, 'tree'));
    await writeFile(join(there, 'tree', 'a'), marked('a'));
    await writeFile(join(there, 'tree', 'b'), 'b'.repeat(100_000));
    await writeFile(join(there, 'tree', 'c'), `!${'c'.repeat(100_000)}`);
    await writeFile(join(there, 'tree', 'd'), marked('d'));
    const receiver = await TreeReceiver.open(localFileSystem({ pin: true }), join(here, 'tree'), {
      preserve: false,
      targetIsDirectory: false,
      followLinks: 'never',
      modeMask: 0o777,
      observer,
      content: check,
    });
    const result = await runSink(new ScpLink(right.input, right.output, 'here'), receiver, { recursive: true });
    await receiver.close();
    expect(result).toMatchObject({ failures: 2 });
    expect(await source).toBe(2);
    expect((await readdir(join(here, 'tree'))).sort()).toEqual(['a', 'd']);
    expect(told.filter((line) => line.includes('signed by')).sort()).toEqual([
      'a signed by production A',
      'd signed by production A',
    ]);
    expect(told).toContain('HERE/tree/b: has no signature envelope');
    expect(told).toContain('HERE/tree/c: it is certain already');
  });

  /** Sends a file of this machine and gives what comes out of the other side. */
  async function send(name: string): Promise<{ failures: number; records: string }> {
    const { left, right } = wire();
    let records = '';
    right.input.on('data', (bytes: Buffer) => {
      records += bytes.toString('latin1');
    });
    // Everything is taken.
    right.output.write('\0'.repeat(20));
    const link = new ScpLink(left.input, left.output, 'there');
    const sender = new TreeSender(await ScpSource.start(link), {
      recursive: false,
      preserve: false,
      observer,
      content: check,
    });
    await sender.send(localFileSystem(), join(here, name));
    await link.writer.flush();
    await new Promise<void>((resolve) => {
      right.input.once('end', resolve);
      left.output.end();
    });
    return { failures: sender.failures, records };
  }

  it('is looked at before anything of it is announced', async () => {
    await writeFile(join(here, 'good'), marked('x'));
    await writeFile(join(here, 'bad'), 'SECRET');
    const good = await send('good');
    expect(good.failures).toBe(0);
    expect(good.records).toMatch(/^C0\d{3} 8 good\nx#signed\0$/);
    expect(await send('bad')).toEqual({
      failures: 1,
      records: `\u0001scp: ${join(here, 'bad')}: has no signature envelope\n`,
    });
    expect(told).toEqual([
      'good signed by production A',
      'good landed',
      'bad not landed',
      'HERE/bad: has no signature envelope',
    ]);
  });

  it('is not sent whole where it is another one by then', async () => {
    const size = 700_000;
    await writeFile(join(here, 'image'), marked('x'.repeat(size - MARK.length)));
    let opened: OpenFile | undefined;
    check.beforeEnd = async () => {
      const directory = await localFileSystem().directory(here);
      opened = await directory.open('image', { access: 'write' });
      await opened.write([Buffer.from('evil')], 0);
      await opened.close();
    };
    const { failures, records } = await send('image');
    expect(failures).toBe(1);
    expect(told.at(-1)).toBe('HERE/image: was changed after it was verified');
    const [head = '', ...rest] = records.split('\n');
    expect(head).toMatch(/^C0\d{3} 700000 image$/);
    // The wire stays in step: what is missing is made up with zeros, and the other side is told.
    expect(rest.join('\n')).toContain('\u0001scp: ');
    expect(rest.join('\n')).not.toContain(MARK);
  });
});
