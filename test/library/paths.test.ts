import { describe, expect, it } from 'vitest';
import { ConnectionError } from '../../src/base/errors.ts';
import { entryFilterOf } from '../../src/library/copy-options.ts';
import { plainStatus } from '../../src/library/one-file.ts';
import { localPath, remotePath, scpPath, shownRemote } from '../../src/library/paths.ts';
import { StderrLines } from '../../src/library/stderr-lines.ts';

describe('a path of a host', () => {
  it.each([
    ['a/b', 'a/b'],
    ['/a', '/a'],
    ['~', '.'],
    ['~/', '.'],
    ['~/a', 'a'],
    ['~//a', 'a'],
    ['~/~b', './~b'],
    ['~root', './~root'],
    ['~root/a', './~root/a'],
    ['a*[b]?', 'a*[b]?'],
    ['-r', '-r'],
  ])('%s is asked for as %s', (path, wire) => {
    expect(remotePath(path)).toBe(wire);
  });

  it('stays as it is where it is a pattern', () => {
    expect(remotePath('~root/*', { glob: true })).toBe('~root/*');
  });

  it('is refused where no system takes it', () => {
    expect(() => remotePath('')).toThrow('No such file');
    expect(() => remotePath('a\0b')).toThrow('Invalid argument');
    expect(() => remotePath(undefined as unknown as string)).toThrow(TypeError);
  });

  it.each([
    ['flash:image.bin', 'flash:image.bin'],
    ['a b', "a' 'b"],
    ['$(id)', "'$('id')'"],
    ['=ls', './=ls'],
    ['%self', './%self'],
    ['a=~root', "a='~'root"],
  ])('%s reaches a shell as %s', (path, word) => {
    expect(scpPath(path, { patterns: false })).toBe(word);
  });

  it('is shown with its host', () => {
    expect(shownRemote('::1', '/a')).toBe('[::1]:/a');
    expect(shownRemote('host', 'a')).toBe('host:a');
  });
});

describe('a path of this machine', () => {
  it('may be a URL', () => {
    expect(localPath(new URL('file:///tmp/a%20b'))).toBe('/tmp/a b');
    expect(localPath('~root')).toBe('~root');
  });
});

describe('filters', () => {
  const wants = (options: Parameters<typeof entryFilterOf>[0], path: string, kind: 'file' | 'directory' = 'file') =>
    entryFilterOf(options)?.wants(path, kind, plainStatus(1, 0o644));

  it('take what is included and not excluded', () => {
    const options = { include: ['*.jpg', '*.png'], exclude: 'tmp/' };
    expect(wants(options, 'a/b.jpg')).toBe(true);
    expect(wants(options, 'a/b.txt')).toBe(false);
    expect(wants(options, 'a', 'directory')).toBe(true);
    expect(wants(options, 'a/tmp', 'directory')).toBe(false);
    expect(wants(options, 'tmp.jpg')).toBe(true);
  });

  it('are not asked where there are none', () => {
    expect(entryFilterOf({})).toBeUndefined();
    expect(entryFilterOf({ include: [], exclude: [] })).toBeUndefined();
  });
});

describe('the standard error of a connection', () => {
  const lost = () => new ConnectionError('h', 'transfer', 'connection closed', { code: 'ERR_CONNECTION_LOST' });

  it('comes line by line, printable and bounded', () => {
    const lines: string[] = [];
    const stderr = new StderrLines((line) => lines.push(line));
    const bytes = Buffer.from('one\r\nt\u001b[0mwo ü\nrest');
    for (const byte of bytes) stderr.push(Buffer.from([byte]));
    expect(lines).toEqual(['one', 't\\033[0mwo ü']);
    for (let i = 0; i < 100; i++) stderr.push(Buffer.alloc(100_000, 'x'));
    stderr.push(Buffer.from('\n'));
    expect(lines[2]?.length).toBeLessThanOrEqual(2_048);
  });

  it.each([
    ['Host key verification failed.', 'ERR_HOST_KEY', 'host key'],
    ['me@h: Permission denied (publickey).', 'ERR_AUTHENTICATION', 'authentication'],
    ['ssh: Could not resolve hostname h: Name or service not known', 'ERR_CONNECT', 'resolve'],
    ['ssh: connect to host h port 22: Connection refused', 'ERR_CONNECT', 'connect'],
    ['ssh: connect to host h port 22: Connection timed out', 'ERR_TIMEOUT', 'connect'],
  ])('tells the cause of a lost connection: %s', (line, code, phase) => {
    const stderr = new StderrLines(undefined);
    stderr.push(Buffer.from(`motd\n${line}\n`));
    const error = lost();
    expect(stderr.explain(error)).toMatchObject({ code, phase, cause: error });
    stderr.forget();
    expect(stderr.explain(error)).toBe(error);
  });

  it.each(['bash: log: Permission denied', 'me@h: Permission denied'])(
    'takes no word of a shell for one of ssh: %s',
    (line) => {
      const stderr = new StderrLines(undefined);
      stderr.push(Buffer.from(`${line}\n`));
      const error = lost();
      expect(stderr.explain(error)).toBe(error);
    },
  );

  it('takes nothing for a word about the login that comes from a server which speaks', () => {
    const stderr = new StderrLines(undefined);
    stderr.loggedIn();
    stderr.push(Buffer.from('me@h: Permission denied (publickey).\n'));
    const error = lost();
    expect(stderr.explain(error)).toBe(error);
  });

  it('explains no other error', () => {
    const stderr = new StderrLines(undefined);
    stderr.push(Buffer.from('Permission denied\n'));
    const error = new TypeError('x');
    expect(stderr.explain(error)).toBe(error);
  });
});
