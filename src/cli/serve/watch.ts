import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlClient } from '../../server/control/client.ts';
import type { StatusReport, TransferReport } from '../../server/control/protocol.ts';
import { jsonLine } from '../json-lines.ts';
import { abortOnSignals } from '../signals.ts';
import { streamReady } from '../stream-ready.ts';
import { TransferLines } from './transfer-lines.ts';

/** How often the server is asked. Milliseconds. */
const INTERVAL_MS = 1000;

/** Where a terminal does not say how large it is. */
const COLUMNS = 80;
const ROWS = 24;

/** The other screen of a terminal, so that what was there comes back; the cursor is hidden meanwhile. */
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** `sealift serve status --watch`: shows live transfers until a signal, or the server goes away. With `json` a line of JSON for each look. @returns the exit status */
export async function watchTransfers(client: ControlClient, json: boolean): Promise<number> {
  const { signal, release } = abortOnSignals(0);
  const isScreen = !json && process.stdout.isTTY;
  const lines = new TransferLines();
  if (isScreen) process.stdout.write(ENTER);
  try {
    while (!signal.aborted) {
      const look = await lookAt(client);
      if (json) process.stdout.write(jsonLine(look));
      else show(lines, look, isScreen);
      await streamReady(process.stdout, signal);
      await sleep(INTERVAL_MS, undefined, { signal }).catch(() => {});
    }
    return 0;
  } finally {
    if (isScreen) process.stdout.write(LEAVE);
    release();
  }
}

interface Look {
  readonly atMs: number;
  readonly status: StatusReport;
  readonly transfers: readonly TransferReport[];
}

async function lookAt(client: ControlClient): Promise<Look> {
  const status = await client.ask({ command: 'status' });
  const transfers = await client.ask({ command: 'transfers' });
  if (!status.ok || !('status' in status)) throw new Error(status.ok ? 'not a status' : status.error);
  if (!transfers.ok || !('transfers' in transfers)) throw new Error(transfers.ok ? 'no transfers' : transfers.error);
  return { atMs: Date.now(), status: status.status, transfers: transfers.transfers };
}

function show(lines: TransferLines, { status, transfers }: Look, isScreen: boolean): void {
  // Undefined where there is no terminal, whatever the types say.
  const { columns, rows }: { columns?: number; rows?: number } = process.stdout;
  const drawn = lines.lines(
    status,
    transfers,
    performance.now() / 1000,
    columns ?? COLUMNS,
    isScreen ? (rows ?? ROWS) : Number.MAX_SAFE_INTEGER,
  );
  if (isScreen) process.stdout.write(`${HOME}${drawn.map((line) => `${line}${CLEAR_LINE}\n`).join('')}${CLEAR_BELOW}`);
  else process.stdout.write(`${drawn.join('\n')}\n`);
}
