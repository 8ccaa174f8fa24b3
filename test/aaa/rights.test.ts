import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PathPattern, splitPath } from '../../src/aaa/path-pattern.ts';
import type { Principal } from '../../src/aaa/principal.ts';
import { RightsList, type RightsRule } from '../../src/aaa/rights.ts';
import { type FileOperation, fileOperations } from '../../src/base/file-operation.ts';

function somebody(over: Partial<Principal> = {}): Principal {
  return { user: 'a', privilege: 15, groups: [], method: 'local', ...over };
}

function allowed(rules: readonly RightsRule[] | undefined, who: Partial<Principal>, path: string): FileOperation[] {
  const rights = new RightsList(rules).of(somebody(who));
  return fileOperations.filter((operation) => rights.may(operation, path));
}

describe('without rules', () => {
  it.each<[number, readonly FileOperation[]]>([
    [15, fileOperations],
    [14, ['list', 'read']],
    [1, ['list', 'read']],
    [0, []],
  ])('privilege %i may %j', (privilege, operations) => {
    expect(allowed(undefined, { privilege }, '/x')).toEqual(operations);
  });
});

describe('rules', () => {
  const rules: readonly RightsRule[] = [
    { users: ['mallory'], allow: [] },
    { paths: ['/secret'], minPrivilege: 15, allow: ['read'] },
    { paths: ['/secret'], allow: [] },
    { groups: ['drop', 'ops'], paths: ['/in', '/in2'], allow: ['list', 'write', 'mkdir'] },
    { paths: ['/'], allow: ['list', 'read'] },
  ];

  it.each<[Partial<Principal>, string, FileOperation[]]>([
    [{}, '/x', ['list', 'read']],
    [{ groups: ['ops'] }, '/in/x', ['list', 'write', 'mkdir']],
    [{ groups: ['ops'] }, '/in', ['list', 'write', 'mkdir']],
    [{ groups: ['ops'] }, '/inside', ['list', 'read']],
    [{}, '/secret/x', ['read']],
    [{ privilege: 14 }, '/secret/x', []],
    [{ user: 'mallory', groups: ['ops'] }, '/in/x', []],
  ])('%j at %s: the first that fits decides: %j', (who, path, operations) => {
    expect(allowed(rules, who, path)).toEqual(operations);
  });

  it('none that fits refuses', () => {
    expect(allowed([], {}, '/x')).toEqual([]);
    expect(allowed([{ users: ['b'], allow: ['read'] }], {}, '/x')).toEqual([]);
  });

  it('paths that are not clean are refused, whatever is allowed', () => {
    for (const path of ['', 'x', '/in/../secret', '/./x', '/..', '/x\0', '../x'])
      expect(allowed([{ allow: fileOperations }], {}, path)).toEqual([]);
  });

  it('say whether a command need begin at all', () => {
    const rights = new RightsList(rules).of(somebody({ groups: ['ops'] }));
    expect(rights.mayAnywhere('write', 'overwrite')).toBe(true);
    expect(rights.mayAnywhere('delete')).toBe(false);
    expect(new RightsList([]).of(somebody()).mayAnywhere(...fileOperations)).toBe(false);
  });

  it.each<[RightsRule, string]>([
    [{ minPrivilege: 16, allow: [] }, 'rule 1: privilege 16'],
    [{ users: [], allow: [] }, 'rule 1: an empty list fits nobody'],
    [{ paths: ['in'], allow: [] }, 'rule 1: path "in": it has to begin with a slash'],
    [{ paths: ['/a/../b'], allow: [] }, 'are not patterns'],
    [{ paths: [`/${'x'.repeat(1024)}`], allow: [] }, 'longer than 1024'],
    [{ users: ['a\n'], allow: [] }, 'printable'],
    [{ allow: ['fly' as FileOperation] }, 'rule 1: "fly" is not one of list, read'],
  ])('%j makes no sense', (rule, text) => {
    expect(() => new RightsList([rule])).toThrow(text);
  });

  it('are at most 1,000', () => {
    expect(() => new RightsList(Array(1001).fill({ allow: [] }))).toThrow('more than 1000 rules');
  });
});

describe('a pattern', () => {
  it.each<[string, string, boolean]>([
    ['/', '/', true],
    ['/', '/a/b', true],
    ['/a', '/a', true],
    ['/a/', '/a/b', true],
    ['/a', '/ab', false],
    ['/a/b', '/a', false],
    ['/*', '/', false],
    ['/users/*', '/users/x/y', true],
    ['/users/*', '/users', false],
    ['/*/x', '/a/x', true],
    ['/*/x', '/a/b/x', false],
    ['/**/x', '/a/b/x', true],
    ['/**/x', '/x/y', true],
    ['/**/*.cfg', '/a/b.cfg', true],
    ['/**/*.cfg', '/b.cfg', true],
    ['/**/*.cfg', '/b.cfgx', false],
    ['/a?c', '/abc', true],
    ['/a?c', '/a/c', false],
    ['/**', '/', true],
  ])('%s and %s: %s', (pattern, path, expected) => {
    expect(new PathPattern(pattern).matches(splitPath(path) ?? ['?'])).toBe(expected);
  });

  it('that matches a path matches everything below it', () => {
    const component = fc.constantFrom('a', 'b', 'ab', '*', '**', 'a*');
    const name = fc.constantFrom('a', 'b', 'ab');
    fc.assert(
      fc.property(
        fc.array(component, { maxLength: 4 }),
        fc.array(name, { maxLength: 5 }),
        name,
        (parts, path, below) => {
          const pattern = new PathPattern(`/${parts.join('/')}`);
          if (pattern.matches(path)) expect(pattern.matches([...path, below])).toBe(true);
        },
      ),
    );
  });

  it('matches what one that is tried out component by component does', () => {
    const tried = (pattern: readonly string[], path: readonly string[]): boolean => {
      const [first, ...more] = pattern;
      if (first === undefined) return true;
      if (first === '**') return path.concat('end').some((_, at) => tried(more, path.slice(at)));
      const [name, ...rest] = path;
      return name !== undefined && new RegExp(`^${first.replaceAll('*', '.*')}$`).test(name) && tried(more, rest);
    };
    const component = fc.constantFrom('a', 'b', 'ab', '*', '**', 'a*', '*b');
    fc.assert(
      fc.property(
        fc.array(component, { maxLength: 5 }),
        fc.array(fc.constantFrom('a', 'b', 'ab'), { maxLength: 5 }),
        (parts, path) => {
          expect(new PathPattern(`/${parts.join('/')}`).matches(path)).toBe(tried(parts, path));
        },
      ),
    );
  });

  it('costs no more for a path of very many components, which every user may ask for', () => {
    const rules = Array.from({ length: 100 }, (_, at) => ({
      paths: [`/customers/c${at}/in`],
      allow: ['read'] as const,
    }));
    const rights = new RightsList(rules.map((rule) => ({ ...rule, allow: [...rule.allow] }))).of({
      user: 'u',
      groups: [],
      privilege: 15,
      method: 'local',
    });
    const before = performance.now();
    for (let path = 0; path < 100; path++) rights.may('read', `/${path}${'/a'.repeat(2000)}`);
    // It takes some 10 ms; where every component is looked at for every rule, 3,000.
    expect(performance.now() - before).toBeLessThan(1000);
  });

  it('with many wildcards is cheap', () => {
    const pattern = new PathPattern(`${'/**/*'.repeat(100)}/z`);
    expect(pattern.matches(Array(2000).fill('a'))).toBe(false);
  });
});
