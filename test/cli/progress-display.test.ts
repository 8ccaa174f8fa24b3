import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type DisplayOptions, ProgressDisplay } from '../../src/cli/terminal/progress.ts';
import { Screen } from '../support/screen.ts';

let seconds = 0;
let screen = new Screen();
let isForeground = true;

function display(options: Partial<DisplayOptions> = {}): ProgressDisplay {
  return new ProgressDisplay({
    terminal: screen as unknown as DisplayOptions['terminal'],
    expectsMany: false,
    alwaysOverall: false,
    mayDraw: () => isForeground,
    stderr: screen.write,
    now: () => seconds,
    ...options,
  });
}

/** Lets time pass, and timers run. */
function pass(time: number): void {
  for (let i = 0; i < time; i++) {
    seconds++;
    vi.advanceTimersByTime(1000);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  seconds = 0;
  screen = new Screen();
  isForeground = true;
});

afterEach(() => {
  vi.useRealTimers();
});

describe('the display of one file', () => {
  it('is the line of scp, redrawn every second', () => {
    const shown = display();
    shown.found(1_000_000);
    shown.foundAll();
    const file = shown.fileStarted('big', 1_000_000);
    expect(screen.shown).toEqual(['big  0%  0  0.0KB/s  --:-- ETA']);
    file.moved(500_000);
    pass(1);
    expect(screen.shown).toEqual(['big  50%  488KB 488.3KB/s  00:01 ETA']);
    file.moved(500_000);
    pass(1);
    file.finished(true);
    shown.end();
    expect(screen.shown).toEqual(['big  100%  977KB 488.3KB/s  00:02', '']);
  });

  it('leaves no line where the file could not be begun', () => {
    const shown = display();
    shown.found(1_000_000);
    shown.fileStarted('secret', 1_000_000).finished(false);
    shown.stderr('secret: Permission denied\n');
    shown.end();
    expect(screen.shown).toEqual(['secret: Permission denied', '']);
  });

  it('makes room for other text', () => {
    const shown = display();
    shown.fileStarted('big', 1_000_000);
    shown.stderr('a banner\n');
    expect(screen.shown).toEqual(['a banner', 'big  0%  0  0.0KB/s  --:-- ETA']);
  });

  it('is not there in the background', () => {
    isForeground = false;
    const shown = display();
    shown.fileStarted('big', 1_000_000).moved(10);
    pass(3);
    shown.stderr('text\n');
    shown.end();
    expect(screen.shown).toEqual(['text', '']);
  });
});

describe('the display of several files', () => {
  it('has one line, from the second file that is found', () => {
    const shown = display();
    shown.found(1_000_000);
    const one = shown.fileStarted('one', 1_000_000);
    expect(screen.shown).toEqual(['one  0%  0  0.0KB/s  --:-- ETA']);
    shown.found(500_000);
    expect(screen.shown).toEqual(['0/2+ one  --%  0  0.0KB/s  --:-- ETA']);
    shown.foundAll();
    const two = shown.fileStarted('two', 500_000);
    one.moved(1_000_000);
    one.finished(true);
    pass(1);
    expect(screen.shown).toEqual(['1/2 two  66%  977KB 976.6KB/s  00:00 ETA']);
    two.moved(500_000);
    pass(1);
    two.finished(true);
    shown.end();
    expect(screen.shown).toEqual(['2 files  100% 1465KB 732.4KB/s  00:02', '']);
  });

  it('tells percent and time left as soon as everything is counted', () => {
    const shown = display();
    shown.found(1_000_000);
    shown.found(500_000);
    shown.counted(4, 4_000_000);
    expect(screen.shown).toEqual(['0/4  0%  0  0.0KB/s  --:-- ETA']);
  });

  it('has it from the first file where more are expected', () => {
    const shown = display({ expectsMany: true });
    shown.found(1_000_000);
    shown.fileStarted('one', 1_000_000);
    expect(screen.shown).toEqual(['0/1+  --%  0  0.0KB/s  --:-- ETA']);
    pass(1);
    expect(screen.shown).toEqual(['0/1+ one  --%  0  0.0KB/s  --:-- ETA']);
  });

  it('puts errors above the line and counts them in the end', () => {
    const shown = display({ expectsMany: true });
    for (let i = 0; i < 3; i++) shown.found(1000);
    const one = shown.fileStarted('one', 1000);
    shown.fileStarted('bad', 1000).finished(false);
    shown.failed();
    shown.stderr('bad: Permission denied\n');
    shown.foundAll();
    pass(1);
    one.moved(1000);
    one.finished(true);
    shown.end();
    expect(screen.shown).toEqual(['bad: Permission denied', '1 of 3 files, 1 failed  33% 1000  1.0KB/s  00:01', '']);
  });

  it('follows the window', () => {
    const shown = display({ expectsMany: true });
    shown.found(1000);
    shown.foundAll();
    screen.columns = 20;
    screen.emit('resize');
    expect(screen.lines.at(-1)?.slice(0, 20).trimEnd()).toMatch(/^0\/1 +0%/);
    shown.end();
    expect(screen.listenerCount('resize')).toBe(0);
  });

  it('takes the line away before the next host asks its questions', () => {
    const shown = display({ expectsMany: true });
    shown.step(false);
    shown.found(1000);
    const file = shown.fileStarted('one', 1000);
    file.moved(1000);
    file.finished(true);
    shown.foundAll();
    shown.step(true);
    expect(screen.shown).toEqual(['']);
    pass(5);
    screen.emit('resize');
    expect(screen.shown).toEqual(['']);
    shown.found(1000);
    expect(screen.shown[0]).toMatch(/^1\/2\+/);
  });

  it('has a line for each file where files are not found ahead, as scp has', () => {
    const shown = display({ expectsMany: true });
    for (const name of ['one', 'two']) {
      const file = shown.fileStarted(name, 1000);
      file.moved(1000);
      pass(1);
      file.finished(true);
    }
    shown.end();
    expect(screen.shown).toEqual(['one  100% 1000  1.0KB/s  00:01', 'two  100% 1000  1.0KB/s  00:01', '']);
  });

  it('has one line for those too where that is asked for', () => {
    const shown = display({ alwaysOverall: true });
    for (const name of ['one', 'two']) {
      const file = shown.fileStarted(name, 1000);
      file.moved(1000);
      pass(1);
      file.finished(true);
    }
    shown.end();
    expect(screen.shown).toEqual(['one  100% 1000  1.0KB/s  00:01', '2 files  100% 2000  1.0KB/s  00:02', '']);
  });
});
