import { link, mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checked } from '../../src/files/checked.ts';
import { CheckedFile } from '../../src/files/checked-file.ts';
import type { Directory, OpenFile } from '../../src/files/file-system.ts';
import { isPrivateName, uploadName } from '../../src/files/private-names.ts';
import { rootedFileSystem } from '../../src/files/rooted.ts';
import { MARK, type MarkCheck, markCheck, marked } from '../support/content-check.ts';
import { tempDirectory } from '../support/temp.ts';

let root: string;
let check: MarkCheck;
let directory: Directory;
const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const file of opened.splice(0)) await file.close();
  await directory.close();
});

beforeEach(async () => {
  root = await tempDirectory('checked');
  check = markCheck();
  const files = checked(rootedFileSystem(root), { check, isOwnName: isPrivateName });
  directory = await files.directory('/');
});

async function begin(shownAs = 'image'): Promise<{ part: string; file: OpenFile }> {
  const part = uploadName('1-2');
  const file = await directory.open(part, { access: 'write', create: 'new', shownAs });
  opened.push(file);
  return { part, file };
}

const write = (file: OpenFile, text: string | Buffer, at = 0): Promise<void> => file.write([Buffer.from(text)], at);

describe('a part whose content is checked', () => {
  it('gets a name by rename or by a link when its content is good, in one look', async () => {
    const { part, file } = await begin();
    await write(file, 'one');
    await write(file, 'two', 3);
    await write(file, MARK, 6);
    await directory.rename(part, 'image');
    const again = await begin('other');
    await write(again.file, marked('x'));
    await directory.makeHardLink(again.part, 'other');
    await directory.remove(again.part);
    expect((await readdir(root)).sort()).toEqual(['image', 'other']);
    expect(await readFile(join(root, 'image'), 'utf8')).toBe(`onetwo${MARK}`);
    expect(check).toMatchObject({ looks: 2, bytes: 6 + MARK.length + 1 + MARK.length });
  });

  it('gets none when it is not, however that is asked for', async () => {
    const { part, file } = await begin();
    await write(file, 'no mark');
    const refused = { code: 'ERR_IMAGE_UNSIGNED', message: '/image: has no signature envelope', operation: 'verify' };
    await expect(directory.rename(part, 'image')).rejects.toMatchObject(refused);
    await expect(directory.makeHardLink(part, 'image')).rejects.toMatchObject(refused);
    await expect(file.verify?.()).rejects.toMatchObject(refused);
    expect(check.looks).toBe(1);
    expect(await readdir(root)).toEqual([part]);
  });

  it('tells what it was found to be, and is the same for all who ask', async () => {
    const { file } = await begin();
    await write(file, marked('x'));
    const found = await Promise.all([file.verify?.(), file.verify?.()]);
    expect(found[0]).toMatchObject({ signers: [{ type: 'production', version: 'A' }] });
    expect(found[1]).toBe(found[0]);
    expect(check.looks).toBe(1);
  });

  it('is judged by what is on the disk where it did not come in order', async () => {
    const { part, file } = await begin();
    await write(file, MARK, 3);
    await write(file, 'abc');
    await directory.rename(part, 'image');
    expect(await readFile(join(root, 'image'), 'utf8')).toBe(`abc${MARK}`);
    const twice = await begin('twice');
    await write(twice.file, marked('abc'));
    await write(twice.file, 'X'.repeat(20));
    await expect(directory.rename(twice.part, 'twice')).rejects.toMatchObject({ code: 'ERR_IMAGE_UNSIGNED' });
  });

  it.each([0, 2, 3 + MARK.length, 200])('is judged by what is left after it was cut to %i', async (size) => {
    const { part, file } = await begin();
    await write(file, marked('abc'));
    await file.truncate(size);
    if (size === 3 + MARK.length) await directory.rename(part, 'image');
    else await expect(directory.rename(part, 'image')).rejects.toMatchObject({ code: 'ERR_IMAGE_UNSIGNED' });
  });

  it('can begin anew', async () => {
    const { part, file } = await begin();
    await write(file, 'something else');
    await file.truncate(0);
    await write(file, marked('abc'));
    await directory.rename(part, 'image');
    expect(await readFile(join(root, 'image'), 'utf8')).toBe(`abc${MARK}`);
  });

  it('holds at its end what a plain file would, and is judged by that, whatever is done in whatever order', async () => {
    const text = fc.constantFrom('a', MARK, marked('ab').toString(), 'cdefghijklmnop');
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ at: fc.nat({ max: 12 }), text }) },
      { weight: 1, arbitrary: fc.record({ size: fc.nat({ max: 20 }) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
        const { part, file } = await begin();
        // Several may be under way at the same time.
        for (const one of steps) {
          if ('size' in one) await file.truncate(one.size);
          else await write(file, one.text, one.at);
        }
        const content = await readFile(join(root, part), 'latin1');
        const outcome = await directory.rename(part, 'image').then(
          () => true,
          () => false,
        );
        expect(outcome).toBe(content.endsWith(MARK) && !content.includes('\0'));
        await file.close();
        await directory.remove(outcome ? 'image' : part);
      }),
      { numRuns: 200 },
    );
  });

  it('cannot be changed from the verdict on, by whoever holds it', async () => {
    const { part, file } = await begin();
    await write(file, marked('x'));
    let late: Promise<unknown>[] = [];
    check.beforeEnd = async () => {
      late = [write(file, 'evil').catch((error: Error) => error), file.truncate(1).catch((error: Error) => error)];
    };
    await directory.rename(part, 'image');
    for (const error of await Promise.all(late)) expect(error).toMatchObject({ code: 'EBUSY' });
    await expect(write(file, 'evil')).rejects.toMatchObject({ code: 'EBUSY' });
    await expect(file.truncate(0)).rejects.toMatchObject({ code: 'EBUSY' });
    expect(await readFile(join(root, 'image'), 'utf8')).toBe(`x${MARK}`);
  });

  it('is judged by what is on the disk where it was cut and goes on behind that', async () => {
    const { part, file } = await begin();
    await write(file, 'abcdef');
    await file.truncate(2);
    await write(file, MARK, 6);
    await expect(directory.rename(part, 'image')).rejects.toMatchObject({ code: 'ERR_IMAGE_DIGEST' });
  });

  it('is judged by what is on the disk where it was emptied while a write was under way', async () => {
    const { part, file } = await begin();
    const late = write(file, 'evilevil!!'.replaceAll('!', 'x'));
    await file.truncate(0);
    await write(file, marked('x'));
    await late;
    const content = await readFile(join(root, part), 'utf8');
    const isGood = content.endsWith(MARK);
    expect(
      await directory.rename(part, 'image').then(
        () => true,
        () => false,
      ),
    ).toBe(isGood);
    expect(check.looks).toBe(2);
  });

  it('waits for writes that are under way', async () => {
    const { part, file } = await begin();
    await file.close();
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const plain = await rootedFileSystem(root).directory('/');
    const under = await plain.open(part, { access: 'read-write' });
    opened.push(under, plain);
    const slow: OpenFile = Object.assign(Object.create(under) as OpenFile, {
      status: () => under.status(),
      read: (buffer: Uint8Array, position: number) => under.read(buffer, position),
      write: async (chunks: readonly Uint8Array[], position: number) => {
        await held;
        await under.write(chunks, position);
      },
    });
    const checkedFile = new CheckedFile(slow, { check, path: '/image', name: 'image', isNew: true });
    const writes = [write(checkedFile, 'abc'), write(checkedFile, MARK, 3)];
    let isOver = false;
    const verdict = checkedFile.verify().then((found) => {
      isOver = true;
      return found;
    });
    await under.status();
    expect(isOver).toBe(false);
    release();
    await Promise.all(writes);
    expect(await verdict).toMatchObject({ type: 'production' });
    expect(check.looks).toBe(2);
  });

  it('counts also when it was closed first, and is read where nobody looked before', async () => {
    const one = await begin();
    await write(one.file, marked('x'));
    await one.file.verify?.();
    await one.file.close();
    await directory.rename(one.part, 'image');
    expect(check.looks).toBe(1);
    const other = await begin();
    await write(other.file, 'no mark');
    await other.file.close();
    await expect(directory.rename(other.part, 'image')).rejects.toMatchObject({ code: 'ERR_IMAGE_UNSIGNED' });
  });

  it('is not taken for another file that was put in its place', async () => {
    const { part, file } = await begin();
    await write(file, marked('x'));
    await file.verify?.();
    // Of the same size.
    await writeFile(join(root, 'planted'), 'evilevil');
    await rename(join(root, 'planted'), join(root, part));
    await expect(directory.rename(part, 'image')).rejects.toMatchObject({ code: 'ERR_IMAGE_UNSIGNED' });
    const swapped = await begin();
    await write(swapped.file, marked('x'));
    check.beforeEnd = async () => {
      check.beforeEnd = async () => {};
      await writeFile(join(root, 'planted'), 'evilevil');
      await rename(join(root, 'planted'), join(root, swapped.part));
    };
    await expect(directory.rename(swapped.part, 'image')).rejects.toMatchObject({ code: 'ERR_FILE_CHANGED' });
    const linked = await begin();
    await write(linked.file, marked('x'));
    await linked.file.verify?.();
    await directory.remove(linked.part);
    await symlink('/etc/passwd', join(root, linked.part));
    await expect(directory.rename(linked.part, 'image')).rejects.toMatchObject({ code: 'EACCES' });
  });

  it('is refused while it comes where that is certain', async () => {
    const { file } = await begin();
    await expect(write(file, 'well!')).rejects.toMatchObject({ code: 'ERR_IMAGE_POLICY', path: '/image' });
  });

  it('is not begun where nothing could be judged, and is refused where that changes meanwhile', async () => {
    check.unusable = 'both copies are damaged';
    await expect(begin()).rejects.toMatchObject({
      code: 'ERR_KEY_STORAGE',
      message: '/image: the key storage by which it is judged cannot be used: nothing is taken',
    });
    expect(await readdir(root)).toEqual([]);
    check.unusable = undefined;
    const { part, file } = await begin();
    await write(file, marked('x'));
    check.unusable = 'gone';
    await expect(directory.rename(part, 'image')).rejects.toMatchObject({ code: 'ERR_KEY_STORAGE' });
  });

  it('goes on where an earlier one broke off, and is judged as a whole', async () => {
    const kept = `.image.${'0'.repeat(16)}.sealift-partial`;
    for (const [start, isGood] of [
      ['good', true],
      ['bad', false],
    ] as const) {
      await writeFile(join(root, kept), start);
      const part = uploadName('1-2');
      await directory.rename(kept, part);
      const file = await directory.open(part, { access: 'read-write', shownAs: 'image' });
      opened.push(file);
      await write(file, isGood ? MARK : 'x', start.length);
      if (isGood) await directory.rename(part, 'image');
      else await expect(directory.rename(part, 'image')).rejects.toMatchObject({ code: 'ERR_IMAGE_UNSIGNED' });
    }
    expect(await readFile(join(root, 'image'), 'utf8')).toBe(`good${MARK}`);
  });
});

describe('what has a name where contents are checked', () => {
  beforeEach(async () => {
    await writeFile(join(root, 'good'), marked('old'));
    await writeFile(join(root, 'bad'), 'old');
    await mkdir(join(root, 'folder'));
  });

  it.each(['write', 'read-write'] as const)('cannot be changed where it stands (%s)', async (access) => {
    for (const create of [undefined, 'if-missing'] as const) {
      const file = await directory.open('good', { access, ...(create && { create }) });
      await expect(write(file, 'x')).rejects.toMatchObject({ code: 'EACCES' });
      await expect(file.truncate(0)).rejects.toMatchObject({ code: 'EACCES' });
      await file.setMode(0o640);
      await file.close();
    }
    await expect(directory.open('fresh', { access, create: 'new' })).rejects.toMatchObject({ code: 'EACCES' });
    await expect(directory.open('fresh', { access, create: 'if-missing' })).rejects.toMatchObject({ code: 'EACCES' });
    expect(await readFile(join(root, 'good'), 'utf8')).toBe(`old${MARK}`);
    expect((await readdir(root)).sort()).toEqual(['bad', 'folder', 'good']);
  });

  it('gets a further name, or another one, only if it is good', async () => {
    const folder = await directory.directory('folder');
    opened.push(folder);
    await directory.makeHardLink('good', 'linked', folder);
    await directory.rename('good', 'moved', folder);
    await expect(directory.makeHardLink('bad', 'linked2', folder)).rejects.toMatchObject({
      code: 'ERR_IMAGE_UNSIGNED',
    });
    await expect(directory.rename('bad', 'good')).rejects.toMatchObject({
      code: 'ERR_IMAGE_UNSIGNED',
      message: '/good: has no signature envelope',
    });
    expect((await readdir(join(root, 'folder'))).sort()).toEqual(['linked', 'moved']);
    expect(await readFile(join(root, 'bad'), 'utf8')).toBe('old');
  });

  it('goes with its directory, can be read and removed, and gets no name of the server', async () => {
    await link(join(root, 'bad'), join(root, 'folder', 'bad'));
    await directory.rename('folder', 'renamed');
    await directory.remove('bad');
    await expect(directory.rename('good', uploadName('1-2'))).rejects.toMatchObject({ code: 'EACCES' });
    await expect(directory.makeHardLink('good', uploadName('1-2'))).rejects.toMatchObject({ code: 'EACCES' });
    expect((await readdir(root)).sort()).toEqual(['good', 'renamed']);
  });

  it('is no link: that would be a name for what lies elsewhere', async () => {
    await expect(directory.makeLink('link', '/etc/passwd')).rejects.toMatchObject({ code: 'EACCES' });
    await symlink('/etc/passwd', join(root, 'planted'));
    await expect(directory.rename('planted', 'image')).rejects.toMatchObject({ code: 'EACCES' });
    await expect(directory.rename('missing', 'image')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is not moved to a directory of other files', async () => {
    const others = await checked(rootedFileSystem(root), { check, isOwnName: isPrivateName }).directory('/');
    opened.push(others);
    await expect(directory.rename('good', 'x', others)).rejects.toMatchObject({ code: 'EXDEV' });
    expect(check.looks).toBe(0);
  });

  it('is found out where it changes while it is read', async () => {
    check.beforeEnd = async () => await writeFile(join(root, 'good'), 'evil');
    await expect(directory.rename('good', 'image')).rejects.toMatchObject({ code: 'ERR_FILE_CHANGED' });
    expect((await readdir(root)).sort()).toEqual(['bad', 'folder', 'good']);
  });
});
