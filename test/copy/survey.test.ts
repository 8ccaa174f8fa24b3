import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EntryRules } from '../../src/copy/entry-rules.ts';
import { Survey, type SurveyOptions } from '../../src/copy/survey.ts';
import { localFileSystem } from '../../src/files/local.ts';
import { tempDirectory } from '../support/temp.ts';

const all: SurveyOptions = { recursive: true };

/** Seven bytes in three files, one of them in a directory below, and a link to the largest. */
async function tree(): Promise<string> {
  const root = join(await tempDirectory(), 'tree');
  await mkdir(join(root, 'd', 'e'), { recursive: true });
  await writeFile(join(root, 'a'), '1');
  await writeFile(join(root, 'd', 'b.txt'), '22');
  await writeFile(join(root, 'd', 'e', 'c.txt'), '4444');
  return root;
}

const count = (paths: readonly string[], options: SurveyOptions = all) =>
  new Survey(options).run(localFileSystem(), paths);

it('counts the files and bytes of trees and files', async () => {
  const root = await tree();
  expect(await count([root])).toEqual({ files: 3, bytes: 7 });
  expect(await count([`${root}/.`])).toEqual({ files: 3, bytes: 7 });
  expect(await count([join(root, 'a'), join(root, 'd')])).toEqual({ files: 3, bytes: 7 });
});

it('counts what the copy would take: no directories without -r, links as what they lead to, what rules let through', async () => {
  const root = await tree();
  await symlink('d/e/c.txt', join(root, 'link'));
  expect(await count([root, join(root, 'a')], { recursive: false })).toEqual({ files: 1, bytes: 1 });
  expect(await count([root])).toEqual({ files: 4, bytes: 11 });
  expect(await count([root], { recursive: true, copyLinks: true })).toEqual({ files: 3, bytes: 7 });
  const rules = new EntryRules([{ action: 'exclude', pattern: 'e/' }]);
  expect(await count([root], { recursive: true, rules })).toEqual({ files: 3, bytes: 7 });
});

it('passes over what is missing, and over links that lead back or nowhere', async () => {
  const root = await tree();
  await symlink('..', join(root, 'd', 'up'));
  await symlink('nowhere', join(root, 'dangling'));
  expect(await count([join(root, 'missing'), root, ''])).toEqual({ files: 3, bytes: 7 });
});

it('tells nothing once it was stopped', async () => {
  const root = await tree();
  const survey = new Survey(all);
  const result = survey.run(localFileSystem(), [root]);
  survey.stop();
  expect(await result).toBeUndefined();
});
