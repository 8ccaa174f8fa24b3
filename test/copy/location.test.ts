import { describe, expect, it } from 'vitest';
import { describeLocation, isSafeUser, meansContents, OperandError, parseLocation } from '../../src/copy/location.ts';

const remote = (host: string, path: string, extra: { user?: string; port?: number } = {}) => ({
  kind: 'remote',
  host,
  path,
  ...extra,
});

describe('an operand', () => {
  it.each(['file', './a:b', '/a:b', 'a/b:c', ':x', '-', '', '[x]', '[::1]/a:b', 'dir/[::1]:x'])(
    '%j is local',
    (operand) => {
      expect(parseLocation(operand)).toEqual({ kind: 'local', path: operand });
    },
  );

  it.each([
    ['h:', remote('h', '.')],
    ['h:f', remote('h', 'f')],
    ['u@h:/a:b', remote('h', '/a:b', { user: 'u' })],
    ['u@x@h:f', remote('h', 'f', { user: 'u@x' })],
    ['@h:f', remote('h', 'f')],
    ['C:foo', remote('C', 'foo')],
    ['[::1]:p', remote('::1', 'p')],
    ['u@[fe80::1%eth0]:', remote('fe80::1%eth0', '.', { user: 'u' })],
    ['scp:/h/x', remote('scp', '/h/x')],
    ['SCP://h/x', remote('SCP', '//h/x')],
    ['h:flash:image.bin', remote('h', 'flash:image.bin')],
  ])('%j is remote', (operand, location) => {
    expect(parseLocation(operand)).toEqual(location);
  });

  it.each([
    ['scp://h', remote('h', '.')],
    ['scp://h/', remote('h', '.')],
    ['scp://h/a', remote('h', 'a')],
    ['scp://h//a', remote('h', '/a')],
    ['scp://u@h:2222/a%20b+c', remote('h', 'a b c', { user: 'u', port: 2222 })],
    ['scp://u;x=y@h/a', remote('h', 'a', { user: 'u' })],
    ['scp://us%65r@h/a', remote('h', 'a', { user: 'user' })],
    ['scp://[::1]:22/q', remote('::1', 'q', { port: 22 })],
    ['scp://[::1]/q', remote('::1', 'q')],
  ])('%j is a URI', (operand, location) => {
    expect(parseLocation(operand)).toEqual(location);
  });

  it.each([
    'scp://',
    'scp:///a',
    'scp://@h/a',
    'scp://h:0/a',
    'scp://h:65536/a',
    'scp://h:x/a',
    'scp://h:/a',
    'scp://h/%0',
    'scp://h/%00',
    'scp://-h/a',
    'scp://h;ls/a',
    '[]:x',
    'u@:x',
  ])('%j is refused with its text in the message', (operand) => {
    expect(() => parseLocation(operand)).toThrow(OperandError);
    expect(() => parseLocation(operand)).toThrow(operand);
  });

  it.each([
    'scp://bob:hunter2@host:99999/f',
    'scp://bob:hunter2@host/f',
    'scp://bob:hun/ter2@host/f',
    'scp://bob:hunt@er2@host/f',
    'scp://bob:hunter2@[::1/f',
    'scp://bob:%zzhunter2@host/f',
    'scp://:hunter2@host/f',
  ])('%j with a password is refused, and the password is told nobody', (operand) => {
    let message = '';
    try {
      parseLocation(operand);
    } catch (error) {
      expect(error).toBeInstanceOf(OperandError);
      message = (error as Error).message;
    }
    expect(message).toContain(':***@');
    expect(message).not.toMatch(/hun|er2/);
  });

  it('may have a colon in a user name, and an @ in a path', () => {
    expect(parseLocation('scp://a%3Ab@h:2222/x@y')).toEqual(remote('h', 'x@y', { user: 'a:b', port: 2222 }));
    expect(() => parseLocation('scp://h:22/%zz@y')).toThrow('scp://h:22/%zz@y: invalid uri');
  });

  it('is shown as it would be written', () => {
    for (const operand of ['u@h:a', '[::1]:a', 'h:.']) expect(describeLocation(parseLocation(operand))).toBe(operand);
  });
});

describe('a user name', () => {
  it.each(['root', 'a.b', 'u@x', 'dom;x', '$x'])('%j is passed on', (user) => expect(isSafeUser(user)).toBe(true));
  it.each(['', '-oProxyCommand=x', 'a b', 'a"b', "a'b", 'a`b', 'a\\b', 'a#b', 'é', 'a\nb'])('%j is refused', (user) =>
    expect(isSafeUser(user)).toBe(false),
  );
});

it.each([
  ['d/.', true],
  ['.', true],
  ['..', true],
  ['d/../', true],
  ['d', false],
  ['d..', false],
  ['...', false],
])('meansContents(%j) is %s', (path, expected) => {
  expect(meansContents(path)).toBe(expected);
});
