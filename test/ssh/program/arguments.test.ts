import { expect, it } from 'vitest';
import { programArguments } from '../../../src/ssh/program/arguments.ts';

const fixed = [
  '-x',
  '-oPermitLocalCommand=no',
  '-oClearAllForwardings=yes',
  '-oRemoteCommand=none',
  '-oRequestTTY=no',
  '-oControlMaster=no',
];

it('puts the words of the user between those that must win and the host', () => {
  const target = { host: 'h', user: 'u', port: 77 };
  expect(programArguments(target, ['-q', '-i', 'k'], { kind: 'subsystem', name: 'sftp' })).toEqual([
    ...fixed,
    '-q',
    '-i',
    'k',
    '-oForwardAgent=no',
    '-p',
    '77',
    '-l',
    'u',
    '-s',
    '--',
    'h',
    'sftp',
  ]);
});

it('gives a command as one word', () => {
  const args = programArguments({ host: 'h' }, [], { kind: 'exec', command: "scp -t -- 'a b'" });
  expect(args).toEqual([...fixed, '-oForwardAgent=no', '--', 'h', "scp -t -- 'a b'"]);
});

it.each([{ host: '-oProxyCommand=x' }, { host: 'a b' }, { host: 'h', user: '-x' }, { host: 'h', user: 'a\nb' }])(
  'refuses %j',
  (target) => {
    expect(() => programArguments(target, [], { kind: 'exec', command: 'x' })).toThrow(
      expect.objectContaining({ code: 'EINVAL' }),
    );
  },
);
