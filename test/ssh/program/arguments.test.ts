import { expect, it } from 'vitest';
import { furtherArguments, masterArguments, programArguments } from '../../../src/ssh/program/arguments.ts';

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

it('an ssh for others logs in as the one of a copy does, and has no session', () => {
  const target = { host: 'h', user: 'u', port: 77 };
  expect(masterArguments(target, ['-q', '-A'], '/run/s')).toEqual([
    ...fixed.slice(0, -1),
    '-oControlMaster=yes',
    '-oControlPath=/run/s',
    '-oControlPersist=no',
    '-N',
    '-q',
    '-A',
    '-oForwardAgent=no',
    '-p',
    '77',
    '-l',
    'u',
    '--',
    'h',
  ]);
  const args = programArguments(target, ['-q'], { kind: 'subsystem', name: 'sftp' }, '/run/s');
  expect(args.slice(0, 8)).toEqual([...fixed, '-oControlPath=/run/s', '-q']);
});

it('an ssh for others with a session of its own differs from any other in that alone', () => {
  const plain = programArguments({ host: 'h', user: 'u' }, ['-q'], { kind: 'subsystem', name: 'sftp' });
  const sharing = ['-oControlMaster=yes', '-oControlPath=/run/s', '-oControlPersist=no'];
  expect(masterArguments({ host: 'h', user: 'u' }, ['-q'], '/run/s', 'sftp')).toEqual(
    plain.flatMap((word) => (word === '-oControlMaster=no' ? sharing : [word])),
  );
});

it('a further ssh goes through the socket or nowhere, and asks nothing', () => {
  const words = furtherArguments({ host: 'h', user: 'u', port: 7 }, 'sftp', '/run/s');
  expect(words).toEqual([
    '-F',
    'none',
    ...fixed,
    '-oControlPath=/run/s',
    '-oProxyCommand=false',
    '-oBatchMode=yes',
    '-oForwardAgent=no',
    '-s',
    '--',
    'h',
    'sftp',
  ]);
  expect(() => furtherArguments({ host: '-x' }, 'sftp', '/run/s')).toThrow(expect.objectContaining({ code: 'EINVAL' }));
});

it('an ssh for others refuses what must not reach a command line', () => {
  expect(() => masterArguments({ host: '-x' }, [], '/run/s')).toThrow(expect.objectContaining({ code: 'EINVAL' }));
});
