import { describe, expect, it } from 'vitest';
import { formatDuration, formatRate, formatSize, Meter } from '../../src/cli/terminal/meter.ts';
import { RemoteText } from '../../src/cli/terminal/remote-text.ts';
import { fitWidth, textWidth } from '../../src/cli/terminal/width.ts';

describe('the progress meter', () => {
  it.each([
    [0, '   0  '],
    [9999, '9999  '],
    [10_000, '  10KB'],
    [3_394_560, '3315KB'],
    [1024 ** 3, '1024MB'],
    [1024 ** 4 * 20, '  20TB'],
  ])('shows %d bytes as %j', (bytes, text) => expect(formatSize(bytes)).toBe(text));

  it.each([
    [0, '  0.0KB'],
    [547_021, '534.2KB'],
    [117_440_512, '112.0MB'],
  ])('shows %d bytes per second as %j', (rate, text) => expect(formatRate(rate)).toBe(text));

  it.each([
    [0, '  00:00'],
    [61.9, '  01:01'],
    [3661, '1:01:01'],
  ])('shows %d seconds as %j', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it('has the columns of OpenSSH', () => {
    const meter = new Meter('big', 30_000_000, 0);
    meter.moved(3_394_560);
    expect(meter.line(6.2, 80)).toBe('big                                            11% 3315KB 534.7KB/s   00:48 ETA');
  });

  it('shows the true average at the end', () => {
    const meter = new Meter('f', 1000, 0);
    meter.moved(600);
    meter.line(1, 80);
    meter.moved(400);
    expect(meter.line(2, 80)).toBe('f                                             100% 1000     0.5KB/s   00:02    ');
  });

  it('says when nothing moves any more', () => {
    const meter = new Meter('f', 1000, 0);
    expect(meter.line(1, 60)).toContain('--:-- ETA');
    for (let second = 2; second < 7; second++) meter.line(second, 60);
    expect(meter.line(7, 60)).toContain('- stalled -');
  });

  it('shows an empty file as whole, and fits any width', () => {
    expect(new Meter('e', 0, 0).line(0, 80)).toContain('100%    0 ');
    for (let columns = 4; columns < 120; columns++)
      expect(textWidth(new Meter('日本語のファイル', 10, 0).line(0, columns))).toBeLessThanOrEqual(columns);
  });

  it('shows no control characters of a name', () => {
    expect(new Meter('\x1b[2Jx', 1, 0).line(0, 80)).toMatch(/^\\033\[2Jx /);
  });
});

describe('widths', () => {
  it('count wide and combining characters', () => {
    expect(textWidth('日本')).toBe(4);
    expect(textWidth('e\u0301')).toBe(1);
    expect(fitWidth('日本語', 5)).toBe('日本 ');
    expect(fitWidth('ab', 4)).toBe('ab  ');
  });
});

describe('text of the remote side', () => {
  it('comes line by line, harmless, and whole characters however it is cut', () => {
    const shown: string[] = [];
    const text = new RemoteText((line) => shown.push(line));
    for (const byte of Buffer.from('héllo\r\n\x1b]0;x\x07\nrest')) text.push(Buffer.of(byte));
    text.flush();
    expect(shown.join('')).toBe('héllo\n\\033]0;x\\007\nrest\n');
  });

  it('does not collect an endless line', () => {
    const shown: string[] = [];
    const text = new RemoteText((line) => shown.push(line));
    for (let i = 0; i < 100; i++) text.push(Buffer.alloc(1000, 'x'));
    expect(shown.join('').length).toBeGreaterThan(90_000);
  });
});
