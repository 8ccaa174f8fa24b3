import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { describeProcess, isProcessAlive } from '../../src/aaa/accounting/process-name.ts';
import { processStart } from '../../src/base/process-start.ts';
import { createProcessMark, type ProcessView, thisProcess } from '../../src/files/process-mark.ts';
import { makeZombie } from '../support/zombie.ts';

/** Process 7 of a machine on which 7 and 8 run, both started at tick 100. */
const view: ProcessView = {
  pid: 7,
  place: 'host',
  boot: 'monday',
  isAlive: (pid) => pid === 7 || pid === 8,
  startOf: (pid) => (pid === 7 || pid === 8 ? '100' : undefined),
  bootedMs: () => 0,
};

const here = createProcessMark(view);
const made = (by: Partial<ProcessView>): string => createProcessMark({ ...view, ...by }).id;

describe('the mark of a process', () => {
  it.each([
    ['itself', here.id, 'runs'],
    ['itself in another thread', made({}), 'runs'],
    ['another one that runs', made({ pid: 8 }), 'runs'],
    ['one that is gone', made({ pid: 9 }), 'gone'],
    ['one whose number is used again', made({ pid: 8, startOf: () => '99' }), 'gone'],
    ['an earlier one with its own number', made({ startOf: () => '99' }), 'gone'],
    ['an earlier one with its own number whose start nobody told', made({ startOf: () => undefined }), 'gone'],
    ['one that runs and whose start nobody told', made({ pid: 8, startOf: () => undefined }), 'runs'],
    ['one of an earlier boot', made({ pid: 8, boot: 'sunday' }), 'rebooted'],
    ['one of an earlier boot with its own number', made({ boot: 'sunday' }), 'rebooted'],
    ['one that is gone and whose boot nobody told', made({ pid: 9, boot: undefined }), 'gone'],
    ['one with its own number on another machine', made({ place: 'other' }), 'foreign'],
    ['one that is gone on another machine', made({ pid: 9, place: 'other' }), 'foreign'],
    ['one of an older version', '9', 'foreign'],
    ['a text of somebody', 'abc-def', 'foreign'],
  ])('tells of %s', (_what, id, fate) => {
    expect(here.fateOf(id)).toBe(fate);
  });

  it('differs each time', () => {
    expect(made({})).not.toBe(made({}));
  });

  it('takes nobody for gone whose start it cannot look up', () => {
    const blind = createProcessMark({ ...view, startOf: () => undefined });
    expect(blind.fateOf(made({ pid: 8, startOf: () => '99' }))).toBe('runs');
    expect(blind.fateOf(made({ pid: 9 }))).toBe('gone');
  });

  it('of this process tells of others on this machine', async () => {
    expect(thisProcess.fateOf(thisProcess.id)).toBe('runs');
    expect(thisProcess.bootedMs()).toBeLessThan(Date.now());
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
    const [place, boot, pid, start, instance] = thisProcess.id.split('-') as [string, string, string, string, string];
    const ofChild = [place, boot, child.pid, processStart(child.pid as number)?.ticks ?? '0', instance].join('-');
    expect(Number(pid)).toBe(process.pid);
    expect(thisProcess.fateOf(ofChild)).toBe('runs');
    child.stdin.end();
    await once(child, 'exit');
    expect(thisProcess.fateOf(ofChild)).toBe('gone');
    expect(thisProcess.fateOf([place, boot, process.ppid, '1', instance].join('-'))).toBe(
      start === '0' ? 'runs' : 'gone',
    );
  });

  it.runIf(processStart('self') !== undefined)(
    'takes one that has ended for gone, whether its parent asks for its status or not',
    async () => {
      const zombie = await makeZombie();
      try {
        const [place, boot] = thisProcess.id.split('-');
        const ticks = processStart(zombie.pid)?.ticks;
        expect(ticks).toBeDefined();
        expect(thisProcess.fateOf([place, boot, zombie.pid, ticks, '00000000'].join('-'))).toBe('gone');
        expect(isProcessAlive(describeProcess(zombie.pid))).toBe(false);
      } finally {
        await zombie.end();
      }
    },
  );
});
