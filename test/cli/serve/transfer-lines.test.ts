import { describe, expect, it } from 'vitest';
import { sessionTable, statusText, transferTable } from '../../../src/cli/serve/control-text.ts';
import { TransferLines } from '../../../src/cli/serve/transfer-lines.ts';
import { textWidth } from '../../../src/cli/terminal/width.ts';
import type { StatusReport, TransferReport } from '../../../src/server/control/protocol.ts';

const status: StatusReport = {
  program: 'sealift 0.1.0',
  pid: 5,
  startedAtMs: 0,
  configFile: '/etc/sealift.yaml',
  addresses: [{ address: '::1', port: 2222 }],
  workers: 2,
  connections: 3,
  sessions: 2,
  transfers: 1,
  moved: { received: 1024, sent: 0 },
  reload: { atMs: 60_000, ok: false },
};

function transfer(more: Partial<TransferReport> = {}): TransferReport {
  return {
    id: '1',
    session: '1.7',
    user: 'alice',
    address: '::1',
    service: 'scp',
    direction: 'received',
    path: 'in/',
    startedAtMs: 0,
    bytes: 50_000,
    file: 'image.bin',
    fileBytes: 50_000,
    fileSize: 100_000,
    ...more,
  };
}

describe('live transfers on a terminal', () => {
  it('have name, user, bar, percent, amount, rate and time left', () => {
    const lines = new TransferLines();
    lines.lines(status, [transfer({ fileBytes: 40_000 })], 10, 100, 24);
    const [head, line] = lines.lines(status, [transfer()], 11, 100, 24);
    expect(head).toBe('2 sessions, 1 transfers');
    expect(line).toBe(
      '> image.bin                           alice [##########----------]  50%   49KB  36.1KB/s   00:01 ETA',
    );
  });

  it.each([100, 80, 62, 50, 44, 30, 20, 10, 3, 1])('never take more than %i columns', (columns) => {
    const odd = transfer({ file: `名前\u001b[2J${'x'.repeat(300)}`, user: '利用者'.repeat(10), fileSize: undefined });
    for (const line of new TransferLines().lines(status, [transfer(), odd], 1, columns, 24))
      expect(textWidth(line)).toBeLessThanOrEqual(columns);
  });

  it('keep the percentage in a narrow window', () => {
    expect(new TransferLines().lines(status, [transfer()], 1, 20, 24)[1]).toBe('> image.bin      50%');
  });

  it('keep to the height of the window and say how many are left out', () => {
    const many = Array.from({ length: 50 }, (_, i) => transfer({ id: String(i) }));
    const lines = new TransferLines().lines(status, many, 1, 80, 10);
    expect(lines).toHaveLength(9);
    expect(lines.at(-1)).toBe('and 43 more');
  });

  it('are never a bare screen', () => {
    expect(new TransferLines().lines(status, [], 1, 80, 24)).toEqual([
      '2 sessions, 0 transfers',
      'nothing is being moved',
    ]);
  });
});

describe('tables', () => {
  it('show the state of a server, and a reload that was refused', () => {
    expect(statusText(status, 180_000)).toBe(
      [
        'server         sealift 0.1.0, process 5 with 2 workers, up 3 min',
        'configuration  /etc/sealift.yaml',
        'listening on   [::1]:2222',
        'connections    3, 2 logged in',
        'transfers      1 under way',
        'moved          1.0 KiB received, 0 B sent',
        'last reload    REFUSED, see the log, 2 min ago',
        '',
      ].join('\n'),
    );
  });

  it("show a peer's text harmless", () => {
    const evil = '\u001b[2J\nfake';
    expect(transferTable([transfer({ file: evil, user: evil })], 0, 0).split('\n')).toHaveLength(3);
    const session = {
      id: '1',
      address: '::1',
      port: 9,
      user: evil,
      sinceMs: 0,
      bytesRead: 0,
      bytesWritten: 0,
      transfers: 0,
      queuedBytes: 0,
    };
    expect(sessionTable([session], 3, 0)).not.toContain('\u001b');
    expect(sessionTable([session], 3, 0)).toContain('and 3 more');
    expect(sessionTable([], 0, 0)).toBe('no sessions\n');
  });
});
