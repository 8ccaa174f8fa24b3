import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OverallMeter } from '../../src/cli/terminal/overall-meter.ts';
import { Tally } from '../../src/cli/terminal/tally.ts';
import { textWidth } from '../../src/cli/terminal/width.ts';

/** A run that has found 100 files of 1,000 bytes each, and copied that many. */
function hundred(copied: number): Tally {
  const tally = new Tally();
  for (let i = 0; i < 100; i++) tally.found(1000);
  for (let i = 0; i < copied; i++) {
    const file = tally.start(`f${i}`, 1000);
    file.moved(1000);
    file.finished(true);
  }
  return tally;
}

describe('the meter for all files', () => {
  it('shows files, a name, percent, amount, rate and time left in the columns of the meter for one', () => {
    const tally = hundred(25);
    tally.foundAll();
    tally.start('next', 1000).moved(500);
    const meter = new OverallMeter(tally, 0);
    expect(meter.line(1, 80)).toBe('25/100 next                                    25%   25KB  24.9KB/s   00:02 ETA');
  });

  it('counts what was there already neither as moved nor as left', () => {
    const tally = hundred(0);
    tally.foundAll();
    const file = tally.start('f', 1000);
    file.resumed?.(900);
    file.moved(100);
    file.finished(true);
    expect(tally).toMatchObject({ bytesMoved: 100, bytesResumed: 900, bytesLeft: 99_000 });
    tally.again(true);
    expect(tally).toMatchObject({ filesFound: 0, bytesFound: 0, filesDone: 0, filesCopied: 0, bytesLeft: 0 });
    tally.found(1000);
    expect(tally).toMatchObject({ filesFound: 1, bytesLeft: 1000, bytesMoved: 100 });
  });

  it('tells neither percent nor time left before everything was found', () => {
    const meter = new OverallMeter(hundred(25), 0);
    expect(meter.line(1, 80)).toBe('25/100+                                        --%   24KB  24.4KB/s   --:-- ETA');
  });

  it('tells both once everything is counted, whatever is found later', () => {
    const tally = hundred(25);
    tally.counted(200, 200_000);
    const meter = new OverallMeter(tally, 0);
    expect(meter.line(1, 80)).toBe('25/200                                         12%   24KB  24.4KB/s   00:07 ETA');
    // What was counted is found one by one, and more than that.
    for (let i = 0; i < 100; i++) tally.found(1000);
    expect(tally).toMatchObject({ filesFound: 200, bytesFound: 200_000, bytesLeft: 175_000, isComplete: true });
    tally.found(1000);
    expect(tally).toMatchObject({ filesFound: 201, bytesFound: 201_000, bytesLeft: 176_000, isComplete: true });
  });

  it('forgets what was counted and not found in the end, and what is counted too late', () => {
    const tally = hundred(100);
    tally.counted(110, 110_000);
    expect(tally).toMatchObject({ filesFound: 110, bytesLeft: 10_000 });
    tally.foundAll();
    expect(tally).toMatchObject({ filesFound: 100, bytesLeft: 0, isComplete: true });
    tally.counted(110, 110_000);
    expect(tally.filesFound).toBe(100);
  });

  it('knows the whole only in the last step', () => {
    const tally = hundred(100);
    tally.step(false);
    tally.counted(1, 1000);
    expect(tally).toMatchObject({ filesFound: 101, isComplete: false });
    tally.step(true);
    expect(tally).toMatchObject({ filesFound: 100, isComplete: false });
    tally.counted(2, 2000);
    expect(tally).toMatchObject({ filesFound: 102, isComplete: true });
  });

  it('says when nothing moves any more, but not while empty files come', () => {
    const tally = hundred(1);
    tally.foundAll();
    const meter = new OverallMeter(tally, 0);
    for (let second = 1; second < 10; second++) {
      tally.start('empty', 0).finished(true);
      expect(meter.line(second, 80)).not.toContain('stalled');
    }
    for (let second = 10; second < 14; second++) expect(meter.line(second, 80)).not.toContain('stalled');
    expect(meter.line(14, 80)).toContain('- stalled -');
  });

  it('leaves a last line with the average', () => {
    const meter = new OverallMeter(hundred(100), 0);
    expect(meter.lastLine(20, 80, 0)).toBe(
      '100 files                                     100%   98KB   4.9KB/s   00:20    ',
    );
  });

  it('counts failures in the last line, and what is missing', () => {
    const tally = hundred(97);
    for (let i = 0; i < 3; i++) tally.start('bad', 1000).finished(false);
    tally.foundAll();
    const meter = new OverallMeter(tally, 0);
    expect(meter.lastLine(1, 80, 4)).toMatch(/^97 of 100 files, 4 failed {2,}97% /);
    expect(meter.lastLine(1, 20, 4)).toBe('97/100, 4 failed   ');
  });

  it('does not claim to know the whole where the walk was broken off', () => {
    expect(new OverallMeter(hundred(3), 0).lastLine(1, 80, 0)).toMatch(/^3 of 100\+ files .* --% /);
  });

  it('gives up the rate, the amount, the time and the percent in turn in narrow windows', () => {
    const tally = hundred(25);
    tally.foundAll();
    const line = (columns: number) => new OverallMeter(tally, 0).line(1, columns);
    expect(line(41)).toBe('25/100  25%   24KB  24.4KB/s   00:03 ETA');
    expect(line(40)).toBe('25/100           25%   24KB   00:03 ETA');
    expect(line(30)).toBe('25/100        25%   00:03 ETA');
    expect(line(20)).toBe('25/100          25%');
    expect(line(10)).toBe('25/100   ');
    expect(line(4)).toBe('25/');
  });

  it('fills any window to its last column but one, whatever the name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 4, max: 200 }), (name, columns) => {
        const tally = hundred(1);
        tally.start(name, 1000);
        const meter = new OverallMeter(tally, 0);
        expect(textWidth(meter.line(1, columns))).toBe(columns - 1);
        expect(meter.line(2, columns)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
      }),
    );
  });
});

describe('the tally', () => {
  it('takes a file that was not found ahead for found when it starts', () => {
    const tally = new Tally();
    tally.start('a', 10).finished(true);
    expect(tally).toMatchObject({ filesFound: 1, bytesFound: 10, filesDone: 1, isComplete: false });
  });

  it('expects no more of a file that failed, and more of one that grew', () => {
    const tally = new Tally();
    tally.found(1000);
    tally.found(0);
    tally.foundAll();
    const failing = tally.start('a', 1000);
    failing.moved(300);
    failing.finished(false);
    expect(tally.bytesLeft).toBe(0);
    const growing = tally.start('b', 0);
    growing.moved(50);
    expect(growing.size).toBe(50);
    expect(tally).toMatchObject({ bytesLeft: 0, bytesMoved: 350, bytesFound: 1000 });
  });

  it('expects nothing of files that are skipped', () => {
    const tally = hundred(10);
    for (let i = 0; i < 90; i++) tally.skip(1000);
    tally.foundAll();
    expect(tally).toMatchObject({ filesFound: 100, filesDone: 100, bytesLeft: 0 });
    expect(new OverallMeter(tally, 0).lastLine(1, 80, 0)).toMatch(/^10 files, 90 skipped {2,}100% /);
  });

  it('is complete only in the last step, and forgets what a broken step left', () => {
    const tally = new Tally();
    tally.step(false);
    tally.found(10);
    tally.foundAll();
    expect(tally.isComplete).toBe(false);
    tally.step(true);
    tally.start('of the next step', 5);
    expect(tally).toMatchObject({ filesFound: 2, bytesFound: 15, isComplete: false });
    tally.foundAll();
    expect(tally.isComplete).toBe(true);
  });

  it('names the file that has been under way for longest', () => {
    const tally = new Tally();
    const first = tally.start('first', 1);
    tally.start('second', 1);
    expect(tally.current?.name).toBe('first');
    first.finished(true);
    expect(tally.current?.name).toBe('second');
  });
});
