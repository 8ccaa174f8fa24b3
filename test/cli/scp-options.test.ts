import { describe, expect, it } from 'vitest';
import { getopt, UsageError } from '../../src/cli/getopt.ts';
import { FatalOptionError, parseScpOptions } from '../../src/cli/scp/options.ts';

describe('getopt', () => {
  it('ends the options at the first operand', () => {
    const { options, operands } = getopt(['-r', 'f', '-p'], 'rp');
    expect(options).toEqual([{ name: 'r' }]);
    expect(operands).toEqual(['f', '-p']);
  });

  it('takes combined letters, attached and separate values, and --', () => {
    const { options, operands } = getopt(['-prP22', '-F', 'x', '--', '-f'], 'prP:F:');
    expect(options).toEqual([{ name: 'p' }, { name: 'r' }, { name: 'P', value: '22' }, { name: 'F', value: 'x' }]);
    expect(operands).toEqual(['-f']);
  });

  it('takes a single dash for an operand', () => {
    expect(getopt(['-', 'x'], 'a').operands).toEqual(['-', 'x']);
  });

  it('takes a value that is attached, or none, where that is optional', () => {
    const read = (...args: string[]) => getopt(args, '', { how: 'optional' });
    expect(read('--how', 'x')).toEqual({ options: [{ name: 'how' }], operands: ['x'] });
    expect(read('--how=x', 'y')).toEqual({ options: [{ name: 'how', value: 'x' }], operands: ['y'] });
    expect(() => read('--how=')).toThrow('option --how= requires a value');
  });

  it.each([[['-z']], [['-P']], [['--nope']], [['--flag=1']], [['--value']], [['-:']]])('refuses %j', (args) => {
    expect(() => getopt(args, 'P:', { flag: 'flag', value: 'value' })).toThrow(UsageError);
  });
});

describe('the options of scp', () => {
  it('verify by comparing, by signature, or both', () => {
    const read = (...args: string[]) => parseScpOptions([...args, 'a', 'b']).beyond;
    expect(read('--verify')).toMatchObject({ verify: true, signature: false });
    expect(read('--verify=sha256')).toMatchObject({ verify: true, signature: false });
    expect(read('--verify=signature', '--keys', 's', '--nvram=n', '--product=P')).toMatchObject({
      verify: false,
      signature: true,
      keys: 's',
      nvram: 'n',
      product: 'P',
    });
    expect(read('--verify', '--verify=signature')).toMatchObject({ verify: true, signature: true });
    expect(() => read('--verify=md5')).toThrow('must be sha256');
    expect(() => read('--keys=')).toThrow('a path must follow');
    expect(() => read('-R', '--verify=signature')).toThrow('not with -R');
    // By the SCP protocol it can be done.
    expect(read('-O', '--verify=signature')).toMatchObject({ signature: true });
  });

  it('hands ssh its options in the order they were given', () => {
    const args = [
      '-4',
      '-C',
      '-q',
      '-v',
      '-B',
      '-c',
      'aes128-ctr',
      '-Fcfg',
      '-i',
      'id',
      '-J',
      'jump',
      '-oPort=22',
      '-A',
      'a',
      'b',
    ];
    expect(parseScpOptions(args).sshArgs).toEqual([
      '-4',
      '-C',
      '-q',
      '-v',
      '-oBatchmode=yes',
      '-c',
      'aes128-ctr',
      '-F',
      'cfg',
      '-i',
      'id',
      '-J',
      'jump',
      '-o',
      'Port=22',
      '-A',
    ]);
  });

  it('lets the last of -O and -s, and of -3 and -R, win', () => {
    expect(parseScpOptions(['-O', '-s', '-3', '-R'])).toMatchObject({ protocol: 'sftp', throughLocal: 'remote' });
    expect(parseScpOptions(['-s', '-O', '-R', '-3'])).toMatchObject({ protocol: 'scp', throughLocal: 'local' });
  });

  it('reads ports by number and by service, and limits in Kbit/s', () => {
    expect(parseScpOptions(['-P', '2222']).port).toBe(2222);
    expect(parseScpOptions(['-l', '8']).bytesPerSecond).toBe(1024);
  });

  it.each([['-P0'], ['-P65536'], ['-Pno-such-service'], ['-1'], ['-Xnrequests=0'], ['-Xbuffer=1M']])(
    'treats %s as fatal',
    (arg) => {
      expect(() => parseScpOptions([arg])).toThrow(FatalOptionError);
    },
  );

  it.each([['-l0'], ['-lx'], ['-l104857601'], ['-M'], ['-Z'], ['--transport=x'], ['--progress=yes']])(
    'answers %s with the usage',
    (arg) => {
      expect(() => parseScpOptions([arg])).toThrow(UsageError);
    },
  );

  it('shows progress as scp does unless told otherwise', () => {
    expect(parseScpOptions([]).progress).toBe('auto');
    expect(parseScpOptions(['--progress', 'bar', '-q', '--progress=json']).progress).toBe('json');
  });

  it('knows the letters of the remote side', () => {
    expect(parseScpOptions(['-v', '-r', '-p', '-d', '-t', '--', '-x'])).toMatchObject({
      role: 'sink',
      recursive: true,
      preserve: true,
      targetIsDirectory: true,
      operands: ['-x'],
    });
  });
});
