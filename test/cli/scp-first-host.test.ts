import { describe, expect, it } from 'vitest';
import { firstHost } from '../../src/cli/scp/first-host.ts';
import { parseScpOptions } from '../../src/cli/scp/options.ts';

const first = (...args: string[]) => firstHost(parseScpOptions(args))?.host;

describe('the host that a run connects to before anything else', () => {
  it.each([
    [['a', 'h:b'], 'h'],
    [['a', 'b', 'user@h:b'], 'h'],
    [['h:a', 'b'], 'h'],
    [['g:a', 'h:b'], 'g'],
    [['g:a', 'c', 'scp://h:22/b'], 'g'],
  ])('of %j is %s', (args, host) => {
    expect(first(...args)).toBe(host);
  });

  it.each([
    ['no host is named', ['a', 'b']],
    ['the origin copies by itself', ['-R', 'g:a', 'h:b']],
    ['the target here must be a directory', ['h:a', 'h:b', 'c']],
    ['what is here is copied first', ['a', 'h:b', 'c']],
    ['an operand cannot be read', ['scp://h:0/a', 'h:b']],
    ['a user has a name that no command line may hold', ['a', "o'neil@h:b"]],
  ])('is none where %s', (_why, args) => {
    expect(first(...args)).toBeUndefined();
  });
});
