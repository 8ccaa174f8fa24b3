import { printable } from '../../base/printable.ts';
import type { SessionReport, StatusReport, TransferReport } from '../../server/control/protocol.ts';
import { formatListenAddress } from '../../server/listen-address.ts';
import { fitWidth, textWidth } from '../terminal/width.ts';

/** Names in tables are cut here. Columns. */
const MAX_COLUMN = 60;

/** What a server is and does, for people. */
export function statusText(status: StatusReport, nowMs: number): string {
  const { program, pid, configFile, addresses, workers, connections, sessions, transfers, moved, reload } = status;
  const rows: [string, string][] = [
    [
      'server',
      `${program}, process ${pid}${workers > 1 ? ` with ${workers} workers` : ''}, up ${formatAge(nowMs - status.startedAtMs)}`,
    ],
    ['configuration', configFile],
    ['listening on', addresses.map(formatListenAddress).join(' ')],
    ['connections', `${connections}, ${sessions} logged in`],
    ['transfers', `${transfers} under way`],
    ['moved', `${formatAmount(moved.received)} received, ${formatAmount(moved.sent)} sent`],
  ];
  if (reload !== undefined)
    rows.push(['last reload', `${reload.ok ? 'good' : 'REFUSED, see the log'}, ${formatAge(nowMs - reload.atMs)} ago`]);
  return rows.map(([name, text]) => `${name.padEnd(14)} ${printable(text)}\n`).join('');
}

export function sessionTable(sessions: readonly SessionReport[], more: number, nowMs: number): string {
  const rows = sessions.map(({ id, user, address, port, sinceMs, transfers, bytesRead, bytesWritten }) => [
    id,
    user ?? '(logging in)',
    `${address.includes(':') ? `[${address}]` : address}:${port}`,
    formatAge(nowMs - sinceMs),
    String(transfers),
    formatAmount(bytesRead),
    formatAmount(bytesWritten),
  ]);
  return table(['ID', 'USER', 'FROM', 'SINCE', 'TRANSFERS', 'IN', 'OUT'], rows, more, 'no sessions');
}

export function transferTable(transfers: readonly TransferReport[], more: number, nowMs: number): string {
  const rows = transfers.map((transfer) => [
    transfer.session,
    transfer.user ?? '',
    transfer.direction === 'received' ? 'upload' : 'download',
    transfer.service,
    percentOf(transfer),
    formatAmount(transfer.bytes),
    formatAge(nowMs - transfer.startedAtMs),
    transfer.file ?? transfer.path,
  ]);
  return table(['SESSION', 'USER', 'WAY', 'BY', 'DONE', 'MOVED', 'SINCE', 'FILE'], rows, more, 'no transfers');
}

/** Of the file under way; `?` where its size is not known. */
export function percentOf({ fileBytes, fileSize }: TransferReport): string {
  if (fileSize === undefined) return '?';
  return fileSize === 0 ? '100%' : `${Math.min(100, Math.floor((fileBytes / fileSize) * 100))}%`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[], more: number, none: string): string {
  if (rows.length === 0) return `${none}\n`;
  const cells = [head, ...rows].map((row) => row.map((cell) => printable(cell)));
  const widths = head.map((_, column) =>
    Math.min(MAX_COLUMN, Math.max(...cells.map((row) => textWidth(row[column] ?? '')))),
  );
  const lines = cells.map((row) =>
    row
      .map((cell, column) => fitWidth(cell, widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  if (more > 0) lines.push(`and ${more} more`);
  return `${lines.join('\n')}\n`;
}

/** `17 s`, `5 min`, `3 h`, `12 d`. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** `0 B`, `12.3 MiB`. */
export function formatAmount(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
