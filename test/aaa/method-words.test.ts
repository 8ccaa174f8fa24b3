import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildLists } from '../../src/aaa/build-lists.ts';
import { LocalUsers } from '../../src/aaa/local-users.ts';
import { type AaaService, methodListWarnings, readMethodList } from '../../src/aaa/method-words.ts';

const groups = new Set(['tacacs+', 'ops']);
const login: AaaService = 'authentication login';

describe('the words of a method list', () => {
  it('are read in order', () => {
    expect(readMethodList(['group  tacacs+', 'local', 'none'], login, groups)).toEqual([
      'group tacacs+',
      'local',
      'none',
    ]);
    expect(readMethodList(['if-authenticated'], 'authorization exec', groups)).toEqual(['if-authenticated']);
  });

  it.each<[string[], AaaService, string]>([
    [[], login, 'authentication login: the list is empty (to ask nobody, write none)'],
    [['Local'], login, 'authentication login: "Local" is not one of local, none, group tacacs+, group ops'],
    [['group radius'], login, 'authentication login: there is no group "radius"'],
    [['local', 'local'], login, 'authentication login: local is given twice'],
    [['none', 'local'], login, 'authentication login: nothing behind none is ever asked: put it last'],
    [['if-authenticated'], login, 'authentication login: "if-authenticated" is not one of'],
    [Array(9).fill('local'), login, 'authentication login: more than 8 methods'],
  ])('%j for %s is refused', (list, service, text) => {
    expect(() => readMethodList(list, service, groups)).toThrow(text);
  });

  it('none is warned of, for logins', () => {
    expect(methodListWarnings(['none'], login)).toEqual([expect.stringContaining('everybody in without a password')]);
    expect(methodListWarnings(['local', 'none'], login)).toEqual([expect.stringContaining('unknown ones too')]);
    expect(methodListWarnings(['none'], 'authorization exec')).toEqual([]);
    expect(methodListWarnings(['local'], login)).toEqual([]);
  });

  it('any text gives a list or a RangeError', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (list) => {
        try {
          readMethodList(list, login, groups);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});

describe('lists of methods', async () => {
  const parts = { local: await LocalUsers.create([], () => {}), groups: new Map(), warn: () => {} };
  const names = (list: readonly { name: string }[] | undefined): string[] | undefined => list?.map(({ name }) => name);

  it('are local for logins and nothing else where none is given', () => {
    const { authentication, exec, commands } = buildLists({}, parts);
    expect([names(authentication), exec, commands]).toEqual([['local'], undefined, undefined]);
  });

  it('are taken by name, and the default otherwise', () => {
    const lists = {
      authentication: { login: { default: ['local'], console: ['none'] } },
      authorization: { exec: { default: ['if-authenticated'] } },
    };
    const built = buildLists(lists, parts, 'console');
    expect([names(built.authentication), names(built.exec)]).toEqual([['none'], ['if-authenticated']]);
    expect(names(buildLists(lists, parts).authentication)).toEqual(['local']);
  });

  it('are all checked, used or not', () => {
    const lists = { accounting: { exec: { other: ['syslog'] } } };
    expect(() => buildLists(lists, parts)).toThrow('accounting exec: "syslog" is not one of local, none');
  });
});
