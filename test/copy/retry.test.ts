import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConnectionError } from '../../src/base/errors.ts';
import { FinalWords } from '../../src/copy/final-words.ts';
import { withRetries } from '../../src/copy/retry.ts';

const lost = () => new ConnectionError('server', 'transfer', 'lost connection', { code: 'ERR_CONNECTION_LOST' });

describe('the last words of ssh', () => {
  it.each([
    'bob@server: Permission denied (publickey,password).\n',
    'root@fe80::1%eth0: Permission denied (gssapi-with-mic).\r\n',
    'Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures\r\n',
    'Warning: Permanently added it.\nHost key verification failed.\r\n',
  ])('end the attempts: %j', (line) => {
    const words = new FinalWords();
    words.look(Buffer.from(line));
    expect(words.seen).toBe(true);
  });

  it.each([
    'bash: /var/log/login.log: Permission denied\n',
    'scp: f: Permission denied\n',
    'Permission denied, please try again.\n',
    'bob@server: Permission denied (publickey). Ask the desk.\n',
    'cat: Host key verification failed.\n',
    'last login: Too many authentication failures since Monday\n',
  ])('are no words of others: %j', (line) => {
    const words = new FinalWords();
    words.look(Buffer.from(line));
    expect(words.seen).toBe(false);
  });
});

describe('work that is tried again', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('ends with the reason of an abort, also in the pause', async () => {
    const abort = new AbortController();
    const reason = new Error('closed');
    let attempts = 0;
    const work = withRetries(
      async () => {
        attempts++;
        throw lost();
      },
      { retries: 5, signal: abort.signal, mayRetry: () => true, again: async () => {} },
    );
    setImmediate(() => abort.abort(reason));
    await expect(work).rejects.toBe(reason);
    expect(attempts).toBe(1);
  });

  it('is not, where this side has closed the connection', async () => {
    const closed = new ConnectionError('server', 'open', 'the connection was closed', { code: 'ERR_CLOSED' });
    const again = vi.fn();
    const { signal } = new AbortController();
    const work = withRetries(() => Promise.reject(closed), { retries: 5, signal, mayRetry: () => true, again });
    await expect(work).rejects.toBe(closed);
    expect(again).not.toHaveBeenCalled();
  });
});
