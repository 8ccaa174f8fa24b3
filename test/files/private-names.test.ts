import { describe, expect, it } from 'vitest';
import { nameLength } from '../../src/base/byte-name.ts';
import { isPrivateName, keptName, readPrivateName, uploadName } from '../../src/files/private-names.ts';

describe('names that only the server knows', () => {
  it('say what they are for', () => {
    const maker = '0123456789ab-01234567-42-7-89abcdef';
    expect(readPrivateName(uploadName(maker))).toEqual({ kind: 'upload', maker });
    expect(readPrivateName(uploadName('42'))).toEqual({ kind: 'upload', maker: '42' });
    expect(uploadName(maker)).not.toBe(uploadName(maker));
    for (const name of ['f', 'a\nb', 'caf\udce9', '.', '.sealift-partial', 'x'.repeat(200)])
      expect(readPrivateName(keptName(name, 'alice'))).toEqual({ kind: 'kept', name });
  });

  it('differ by user and by name, also where the name is too long to be in it', () => {
    const long = 'ü'.repeat(127);
    expect(readPrivateName(keptName(long, 'alice'))).toEqual({ kind: 'kept', name: undefined });
    expect(nameLength(keptName(long, 'alice'))).toBeLessThan(255);
    const names = [long, `${'ü'.repeat(126)}uu`, 'f', 'g'].flatMap((name) =>
      ['alice', 'bob', ''].map((user) => keptName(name, user)),
    );
    expect(new Set(names).size).toBe(names.length);
    expect(keptName('f', 'alice')).toBe(keptName('f', 'alice'));
  });

  it('are told from all others', () => {
    for (const name of [uploadName('1'), keptName('f', 'u'), 'x.sealift-upload', 'x.sealift-partial'])
      expect([name, isPrivateName(name)]).toEqual([name, true]);
    expect(readPrivateName('x.sealift-upload')).toEqual({ kind: 'unknown' });
    for (const name of ['f', '.f.0123456789ab.sealift-part', '.f.sealift-upload.txt']) {
      expect([name, isPrivateName(name)]).toEqual([name, false]);
      expect(readPrivateName(name)).toBeUndefined();
    }
  });
});
