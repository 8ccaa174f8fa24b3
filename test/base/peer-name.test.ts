import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/base/errors.ts';
import { checkPeerName } from '../../src/base/peer-name.ts';

describe('the gate for names from a peer', () => {
  it.each(['', '.', '..', '/', 'a/b', '../x', '/etc', 'a\0b'])('refuses %j everywhere', (name) => {
    expect(() => checkPeerName(name, 'linux')).toThrow(ProtocolError);
    expect(() => checkPeerName(name, 'win32')).toThrow(ProtocolError);
  });

  it.each(['a', '...', '.x', '-rf', 'a b', 'a\nb', '\\', 'C:x', 'CON', '日本', '~'])(
    'lets %j through on POSIX',
    (name) => {
      expect(checkPeerName(name, 'linux')).toBe(name);
    },
  );

  it.each(['..\\evil', 'C:evil', 'CON', 'con.txt', 'lpt1', 'a:b', 'trailing.', 'trailing ', 'a<b', 'x|y'])(
    'refuses %j on Windows',
    (name) => {
      expect(() => checkPeerName(name, 'win32')).toThrow('unexpected filename');
    },
  );

  it('shows a refused name harmlessly', () => {
    expect(() => checkPeerName('\x1b[2J/', 'linux')).toThrow('error: unexpected filename: \\033[2J/');
  });
});
