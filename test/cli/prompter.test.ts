import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canAsk, createPrompter, LineEditor } from '../../src/cli/terminal/prompter.ts';
import { tempDirectory } from '../support/temp.ts';

async function askpass(script: string): Promise<NodeJS.ProcessEnv> {
  const program = join(await tempDirectory(), 'askpass');
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o755);
  return { PATH: process.env['PATH'], SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force' };
}

it('somebody can be asked where an askpass program must be used, whatever else there is', () => {
  expect(canAsk({ SSH_ASKPASS_REQUIRE: 'force' })).toBe(true);
});

describe('an askpass program', () => {
  it('gets the question as its argument and answers with its first line', async () => {
    const prompter = createPrompter(await askpass('echo "you asked: $1"; echo more'));
    expect(await prompter.ask('(u@h) Password: ', { echo: false, kind: 'secret' })).toBe('you asked: (u@h) Password: ');
  });

  it('refuses by its exit status', async () => {
    const prompter = createPrompter(await askpass('echo secret; exit 1'));
    expect(await prompter.ask('?', { echo: false, kind: 'secret' })).toBeUndefined();
  });

  it('confirms by its exit status, and is told that it is to confirm', async () => {
    const prompter = createPrompter(await askpass('test "$SSH_ASKPASS_PROMPT" = confirm'));
    expect(await prompter.ask('go on?', { echo: true, kind: 'confirm' })).toBe('yes');
    expect(await prompter.ask('go on?', { echo: true, kind: 'text' })).toBeUndefined();
  });

  it('that is missing counts as no answer', async () => {
    const prompter = createPrompter({ SSH_ASKPASS: '/nonexistent', SSH_ASKPASS_REQUIRE: 'force' });
    expect(await prompter.ask('?', { echo: false, kind: 'secret' })).toBeUndefined();
  });

  it('is ended by an abort', async () => {
    const prompter = createPrompter(await askpass('sleep 60'));
    const controller = new AbortController();
    const answer = prompter.ask('?', { echo: false, kind: 'secret', signal: controller.signal });
    controller.abort();
    expect(await answer).toBeUndefined();
  });
});

describe('typing an answer', () => {
  const type = (keys: string) => {
    let shown = '';
    const editor = new LineEditor((text) => {
      shown += text;
    });
    const event = editor.type(keys);
    return { text: editor.text, event, shown };
  };

  it.each([
    ['secret\r', 'secret', 'enter'],
    ['ab\u007fc\n', 'ac', 'enter'],
    ['wrong\u0015right\r', 'right', 'enter'],
    ['\u007f\u007fx\r', 'x', 'enter'],
    ['pässwörd 🔑\r', 'pässwörd 🔑', 'enter'],
    ['a\u0001\u001bb\r', 'ab', 'enter'],
    ['ab\u0003', 'ab', 'interrupt'],
    ['\u0004', '', 'end'],
    ['a\u0004b', 'ab', undefined],
  ])('%j gives %j and %s', (keys, text, event) => {
    expect(type(keys)).toMatchObject({ text, event });
  });

  it('shows what is typed and takes back what is erased', () => {
    expect(type('ab\u007f').shown).toBe('ab\b \b');
  });

  it('is bounded', () => {
    expect(type('x'.repeat(10_000)).text).toHaveLength(4096);
  });
});
