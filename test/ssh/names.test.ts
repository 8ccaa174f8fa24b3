import { expect, it } from 'vitest';
import { checkHost, checkTarget, checkUser } from '../../src/ssh/names.ts';

it.each(['example.org', '::1', 'fe80::1%eth0', 'a_b', '10.0.0.1', 'ünicode.example'])(
  'lets the host %s through',
  (host) => {
    expect(checkHost(host)).toBe(host);
  },
);

it.each([
  '',
  '-oProxyCommand=x',
  '`id`',
  '$(id)',
  'a b',
  'a\nb',
  'a\0b',
  'a;b',
  'a|b',
  "a'b",
  'a"b',
  'a\\b',
  'x'.repeat(2000),
])('refuses the host %j', (host) => {
  expect(() => checkHost(host)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
});

it.each(['me', 'first.last', 'DOMAIN\\user', 'a@b', 'with space', '$dollar'])('lets the user %s through', (user) => {
  expect(checkUser(user)).toBe(user);
});

it.each(['', '-l', 'a`b', 'a;b', 'a\nb', 'a\0b', 'end\\', 'a -oX', 'a|b', "a'b", 'a(b'])(
  'refuses the user %j',
  (user) => {
    expect(() => checkUser(user)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  },
);

it.each([0, 65536, 1.5, Number.NaN, -1])('refuses the port %d', (port) => {
  expect(() => checkTarget({ host: 'h', port })).toThrow(expect.objectContaining({ code: 'EINVAL' }));
});

it('makes a bad name printable in its message', () => {
  expect(() => checkHost('\u001b[2J')).toThrow('\\033[2J: hostname contains invalid characters');
});
