import { describe, expect, it } from 'vitest';
import { FileError } from '../../src/base/errors.ts';
import type { FileStatus, OpenFile } from '../../src/files/file-system.ts';
import { takeOver } from '../../src/files/take-over.ts';

const OLD = { uid: 7, gid: 70, mode: 0o6775 } as FileStatus;

/** A file of user 5 and group 50 whose process may do what `may` says, and what it has become. */
function fileOf(may: { owner?: boolean; group?: boolean; mode?: boolean; trouble?: 'EIO' }) {
  const own = { uid: 5, gid: 50, mode: 0o600 };
  const change = (isAllowed: boolean | undefined, work: () => void): void => {
    if (may.trouble !== undefined) throw new FileError('f', 'set', may.trouble);
    if (isAllowed !== true) throw new FileError('f', 'set', 'EPERM');
    work();
  };
  const file = {
    status: async () => ({ ...own }),
    setOwner: async (uid: number, gid: number) =>
      change(may.owner === true || (may.group === true && uid === own.uid), () => Object.assign(own, { uid, gid })),
    setMode: async (mode: number) => change(may.mode ?? true, () => Object.assign(own, { mode })),
  } as unknown as OpenFile;
  return { own, file };
}

describe('a file that is to replace another one', () => {
  it.each([
    ['everything', { owner: true }, 0o7777, { uid: 7, gid: 70, mode: 0o6775 }, true],
    ['everything but what is not wanted', { owner: true }, 0o1777, { uid: 7, gid: 70, mode: 0o775 }, true],
    ['the group alone, and is no program of it', { group: true }, 0o7777, { uid: 5, gid: 70, mode: 0o775 }, false],
    ['no group, whose own does not get its rights', {}, 0o7777, { uid: 5, gid: 50, mode: 0o755 }, false],
    ['no mode', { owner: true, mode: false }, 0o7777, { uid: 7, gid: 70, mode: 0o600 }, false],
  ])('takes over %s where it may', async (_, may, mask, becomes, isAll) => {
    const { file, own } = fileOf(may);
    expect(await takeOver(file, OLD, mask)).toBe(isAll);
    expect(own).toEqual(becomes);
  });

  it('does not get more for its group than everybody has, and keeps what the owner has', async () => {
    for (const [mode, becomes] of [
      [0o660, 0o600],
      [0o664, 0o644],
      [0o646, 0o646],
      [0o070, 0o000],
    ] as const) {
      const { file, own } = fileOf({});
      await takeOver(file, { ...OLD, mode }, 0o7777);
      expect(own.mode).toBe(becomes);
    }
  });

  it('is not asked for what it is already', async () => {
    const { file, own } = fileOf({});
    expect(await takeOver(file, { ...OLD, uid: 5, gid: 50, mode: 0o644 }, 0o7777)).toBe(true);
    expect(own).toEqual({ uid: 5, gid: 50, mode: 0o644 });
  });

  it('is not taken for finished where something else is wrong', async () => {
    await expect(takeOver(fileOf({ trouble: 'EIO' }).file, OLD, 0o7777)).rejects.toThrow('Input/output error');
  });
});
