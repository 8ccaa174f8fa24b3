import { describe, expect, it } from 'vitest';
import { longName, modeText } from '../../../src/sftp/server/long-name.ts';
import { statusOf } from './served-memory.ts';

describe('the line of ls -l', () => {
  it.each([
    [0o100644, '-rw-r--r--'],
    [0o040755, 'drwxr-xr-x'],
    [0o120777, 'lrwxrwxrwx'],
    [0o104755, '-rwsr-xr-x'],
    [0o102644, '-rw-r-Sr--'],
    [0o041777, 'drwxrwxrwt'],
    [0o041776, 'drwxrwxrwT'],
    [0o010000, 'p---------'],
    [0o020600, 'crw-------'],
    [0o060600, 'brw-------'],
    [0o140700, 'srwx------'],
  ])('%o is %s', (mode, text) => expect(modeText(mode)).toBe(text));

  it('shows the hour of the last half year and the year of what is older, or to come', () => {
    const at = (seconds: number): string =>
      longName('f', { ...statusOf(12), mtimeSeconds: seconds }, { user: 'root', group: 'wheel' }, 1_700_000_000);
    const local = new Date(1_690_000_000_000);
    const hour = `${String(local.getHours()).padStart(2, '0')}:${String(local.getMinutes()).padStart(2, '0')}`;
    expect(at(1_690_000_000)).toBe(`-rw-r--r--   1 root     wheel          12 Jul ${local.getDate()} ${hour} f`);
    expect(at(1_000_000_000)).toMatch(/Sep ( 8| 9|10) {2}2001 f$/);
    expect(at(1_800_000_000)).toMatch(/Jan 1[45] {2}2027 f$/);
  });
});
