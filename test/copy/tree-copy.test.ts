import { chmod, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConnectionError } from '../../src/base/errors.ts';
import { compareTrees } from '../../src/cli/demo/compare.ts';
import { makeTree } from '../../src/cli/demo/tree.ts';
import type { CopyObserver } from '../../src/copy/observer.ts';
import { Target } from '../../src/copy/target.ts';
import { TreeCopy, type TreeCopyOptions } from '../../src/copy/tree-copy.ts';
import { land, landInPlace } from '../../src/files/landing.ts';
import { localFileSystem } from '../../src/files/local.ts';
import { tempDirectory } from '../support/temp.ts';

interface Outcome {
  readonly failures: number;
  readonly messages: string[];
}

async function copy(
  sources: readonly string[],
  target: string,
  options: Partial<TreeCopyOptions> & { mustBeDirectory?: boolean } = {},
): Promise<Outcome> {
  const messages: string[] = [];
  const observer: CopyObserver = {
    fileStarted: () => ({ moved() {}, finished() {} }),
    failed: (error) => messages.push(error.message),
  };
  const fileSystem = localFileSystem({ pin: true });
  const place = await Target.open(fileSystem, target, { mustBeDirectory: options.mustBeDirectory === true });
  try {
    const run = new TreeCopy(place, {
      recursive: true,
      preserve: true,
      modeMask: 0o777,
      followLinks: 'never',
      parallel: 8,
      land,
      observer,
      ...options,
    });
    for (const source of sources) await run.copy(fileSystem, source);
    await run.finish();
    return { failures: run.failures, messages };
  } finally {
    await place.close();
  }
}

describe('TreeCopy', () => {
  it('copies a tree with modes and times, many files at a time', async () => {
    const dir = await tempDirectory();
    await makeTree(join(dir, 'tree'), { smallFiles: 300, bigFileBytes: 3_000_000, depth: 12 });
    expect(await copy([join(dir, 'tree')], join(dir, 'copy'))).toEqual({ failures: 0, messages: [] });
    const { differences, files } = await compareTrees(join(dir, 'tree'), join(dir, 'copy'));
    expect(differences).toEqual([]);
    expect(files).toBeGreaterThan(300);
  });

  it('copies what is in a directory that is named by its contents', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'from', 'sub'), { recursive: true });
    await writeFile(join(dir, 'from', 'sub', 'f'), 'x');
    await mkdir(join(dir, 'into'));
    expect((await copy([`${dir}/from/.`], join(dir, 'into'))).failures).toBe(0);
    expect((await copy([`${dir}/from/.`], join(dir, 'fresh'))).failures).toBe(0);
    expect(await readFile(join(dir, 'into', 'sub', 'f'), 'utf8')).toBe('x');
    expect(await readFile(join(dir, 'fresh', 'sub', 'f'), 'utf8')).toBe('x');
  });

  it('reports what cannot be copied and goes on', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'from', 'deep'), { recursive: true });
    await writeFile(join(dir, 'from', 'good'), 'good');
    await symlink('nowhere', join(dir, 'from', 'dangling'));
    await symlink('..', join(dir, 'from', 'deep', 'loop'));
    await mkdir(join(dir, 'into'));
    const { failures, messages } = await copy([join(dir, 'missing'), join(dir, 'from')], join(dir, 'into'));
    expect(messages.sort()).toEqual([
      `${dir}/from/dangling: No such file or directory`,
      `${dir}/from/deep/loop: links lead back into a directory above`,
      `${dir}/missing: No such file or directory`,
    ]);
    expect(failures).toBe(3);
    expect((await readdir(join(dir, 'into', 'from'))).sort()).toEqual(['deep', 'good']);
  });

  it('lets the last of two sources with one name win', async () => {
    const dir = await tempDirectory();
    for (const name of ['a', 'b', 'into']) await mkdir(join(dir, name));
    await writeFile(join(dir, 'a', 'f'), Buffer.alloc(4_000_000, 'a'));
    await writeFile(join(dir, 'b', 'f'), 'b');
    expect((await copy([join(dir, 'a/f'), join(dir, 'b/f')], join(dir, 'into'))).failures).toBe(0);
    expect(await readFile(join(dir, 'into', 'f'), 'utf8')).toBe('b');
  });

  it('writes below no link of the target', async () => {
    const dir = await tempDirectory();
    for (const name of ['from/d', 'into/from', 'secret']) await mkdir(join(dir, name), { recursive: true });
    await writeFile(join(dir, 'from', 'd', 'f'), 'x');
    await symlink('../../secret', join(dir, 'into', 'from', 'd'));
    const { failures, messages } = await copy([join(dir, 'from')], join(dir, 'into'));
    expect(failures).toBe(1);
    expect(messages[0]).toContain('is a symbolic link');
    expect(await readdir(join(dir, 'secret'))).toEqual([]);
  });

  it('gives a directory without write permission its mode once it is filled, and keeps that of an old one', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'from'));
    await writeFile(join(dir, 'from', 'f'), 'x');
    await utimes(join(dir, 'from', 'f'), 1000, 2000);
    await chmod(join(dir, 'from'), 0o555);
    expect((await copy([join(dir, 'from')], join(dir, 'new'), { preserve: false })).failures).toBe(0);
    expect((await stat(join(dir, 'new'))).mode & 0o777).toBe(0o555);
    expect((await stat(join(dir, 'new', 'f'))).mtimeMs).not.toBe(2_000_000);
    await mkdir(join(dir, 'old', 'from'), { recursive: true });
    await chmod(join(dir, 'old', 'from'), 0o700);
    expect((await copy([join(dir, 'from')], join(dir, 'old'), { preserve: false })).failures).toBe(0);
    expect((await stat(join(dir, 'old', 'from'))).mode & 0o777).toBe(0o700);
  });

  it('gives a directory that an attempt before it has made the mode of its source', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'from'));
    await mkdir(join(dir, 'to'));
    await writeFile(join(dir, 'from', 'f'), 'x');
    await chmod(join(dir, 'from'), 0o555);
    const landed = new Set<string>();
    const dies: TreeCopyOptions['land'] = async () => {
      throw new ConnectionError('h', 'transfer', 'lost', { code: 'ERR_CONNECTION_LOST' });
    };
    const options = { preserve: false, landed };
    await expect(copy([join(dir, 'from')], join(dir, 'to'), { ...options, land: dies })).rejects.toThrow('lost');
    await chmod(join(dir, 'to', 'from'), 0o755);
    expect((await copy([join(dir, 'from')], join(dir, 'to'), options)).failures).toBe(0);
    expect((await stat(join(dir, 'to', 'from'))).mode & 0o777).toBe(0o555);
  });

  it('counts no file as landed that it has not copied because the whole copy had ended', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'from'));
    await mkdir(join(dir, 'into'));
    for (let i = 0; i < 50; i++) await writeFile(join(dir, 'from', `f${i}`), 'x');
    const landed = new Set<string>();
    let opened = 0;
    const dies: TreeCopyOptions['land'] = async (directory, name, how) => {
      if (++opened === 10) throw new ConnectionError('h', 'transfer', 'lost', { code: 'ERR_CONNECTION_LOST' });
      return await land(directory, name, how);
    };
    await expect(copy([join(dir, 'from')], join(dir, 'into'), { landed, land: dies })).rejects.toThrow('lost');
    expect(landed.size).toBeLessThan(50);
    // And the directory.
    expect(landed.size).toBe((await readdir(join(dir, 'into', 'from'))).length + 1);
  });

  it('does not copy a directory into itself', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'p', 'sub', 'backup'), { recursive: true });
    await writeFile(join(dir, 'p', 'a'), 'x');
    const { messages } = await copy([join(dir, 'p')], join(dir, 'p', 'sub', 'backup'));
    expect(messages).toEqual([`${dir}/p/sub/backup: cannot copy a directory into itself`]);
    expect((await readdir(join(dir, 'p'), { recursive: true })).sort()).toEqual([
      'a',
      'sub',
      'sub/backup',
      'sub/backup/p',
      'sub/backup/p/a',
      'sub/backup/p/sub',
    ]);
    const contents = await copy([`${dir}/p/.`], join(dir, 'p', 'sub'), { mustBeDirectory: true });
    expect(contents.messages).toEqual([`${dir}/p/./sub: cannot copy a directory into itself`]);
    expect((await copy([join(dir, 'p')], join(dir, 'p', 'new'))).failures).toBe(1);
  });

  it('fails for a file that is changed while it is copied, unless it may be the target that is written', async () => {
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), 'x'.repeat(2000));
    const changing =
      (how: TreeCopyOptions['land'], change: () => Promise<void>): TreeCopyOptions['land'] =>
      async (directory, name, options) => {
        await change();
        return await how(directory, name, options);
      };
    const touch = () => utimes(join(dir, 'f'), 1, 1);
    const beside = await copy([join(dir, 'f')], join(dir, 'g'), { land: changing(land, touch) });
    expect(beside.messages).toEqual([`${dir}/f: was changed while it was copied`]);
    await symlink('f', join(dir, 'self'));
    for (const verify of [false, true]) {
      const itself = { land: landInPlace, followLinks: 'always', verify } as const;
      expect((await copy([join(dir, 'f')], join(dir, 'self'), itself)).messages).toEqual([]);
    }
    expect(await readFile(join(dir, 'f'), 'utf8')).toBe('x'.repeat(2000));
    expect(await readdir(dir)).toEqual(['f', 'self']);
  });

  it('plans a tree whose directories are not there yet', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'from', 'sub'), { recursive: true });
    await writeFile(join(dir, 'from', 'sub', 'f'), 'x');
    const planned: string[] = [];
    const observer: CopyObserver = {
      fileStarted: () => ({ moved() {}, finished() {} }),
      failed: (error) => planned.push(error.message),
      planned: (name) => planned.push(name),
    };
    for (const source of ['from', 'from/.'])
      await copy([join(dir, source)], join(dir, 'to'), { dryRun: true, observer });
    expect(planned).toEqual(['f', 'f']);
    expect(await readdir(dir)).toEqual(['from']);
  });

  it('ends with the reason of an abort and leaves nothing half-written', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'from'));
    await mkdir(join(dir, 'into'));
    for (let i = 0; i < 20; i++) await writeFile(join(dir, 'from', `f${i}`), Buffer.alloc(1_000_000));
    const controller = new AbortController();
    const reason = new Error('enough');
    let started = 0;
    const observer: CopyObserver = {
      fileStarted: () => {
        if (++started === 5) controller.abort(reason);
        return { moved() {}, finished() {} };
      },
      failed() {},
    };
    await expect(copy([join(dir, 'from')], join(dir, 'into'), { observer, signal: controller.signal })).rejects.toBe(
      reason,
    );
    const landed = await readdir(join(dir, 'into', 'from'));
    expect(landed.filter((name) => name.startsWith('.'))).toEqual([]);
    expect(landed.length).toBeLessThan(20);
  });
});
