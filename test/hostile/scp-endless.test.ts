import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Form, forms, type HostilePeer, type Script } from '../support/hostile-peer.ts';
import { type Attack, attack, expectCleanEnd, type Result, unsafeCharacters } from '../support/hostile-run.ts';
import type { Sandbox } from '../support/hostile-sandbox.ts';
import { canWatchMemory, MEMORY_LIMIT_MIB, Watch } from '../support/hostile-watch.ts';

/** A client that is asked to stop does so within this time. */
const STOP_MS = 4_000;
/** An attack that is not over by itself is ended after this time. */
const LONGEST_MS = 12_000;

interface Flood extends Pick<Attack, 'flags' | 'operands' | 'prepare' | 'stalledStderr'> {
  readonly title: string;
  /** What is sent again and again, and where. */
  readonly block: string | ((round: number) => string);
  readonly to?: 'output' | 'stderr';
  readonly first?: string;
  /** Default: `program` only, where the transport has no part in it. */
  readonly forms?: readonly Form[];
  /** Each byte goes out by itself: in a packet of its own over SSH. */
  readonly singly?: boolean;
  /** After so many bytes the client is interrupted, if it has not given up. */
  readonly bytes: number;
}

/** Sends until it has sent enough, reads nothing, and tells when it is done. */
function flood({ block, to, first, bytes, singly }: Flood, watch: Watch, done: () => void): Script {
  return async (peer) => {
    if (first !== undefined) await peer.send(first);
    const send = async (piece: string): Promise<void> => {
      if (to === 'stderr') return await peer.complain(piece);
      if (singly !== true) return await peer.send(piece);
      await Promise.all(Array.from(piece, (byte) => peer.send(byte)));
    };
    const over = performance.now() + LONGEST_MS;
    for (let sent = 0, round = 0; sent < bytes && performance.now() < over; round++) {
      const piece = typeof block === 'string' ? block : block(round);
      // A client that holds the flood back does well; what it has taken so far is what counts.
      if (await isHeldBack(send(piece), watch)) break;
      sent += piece.length;
    }
    done();
    await peer.gone;
  };
}

/** True where the client takes no more and waits. */
async function isHeldBack(sending: Promise<void>, watch: Watch): Promise<boolean> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  // A client that has gone is found out by the next send.
  sending.then(settle, settle);
  for (await nextTurn(); !settled; await sleep(10)) if (watch.isIdle) return true;
  return false;
}

/** Lets the client run into the flood, interrupts it when all of it has been sent, and checks what it took. */
async function weather(options: Flood, form: Form, atEnd: 'interrupt' | 'wait' = 'interrupt'): Promise<Result> {
  const watch = new Watch();
  const script = flood(options, watch, () => {
    if (atEnd === 'interrupt') watch.signal('SIGINT');
  });
  const result = await attack({ ...options, form, script, onStart: watch.onStart, timeoutMs: 90_000 });
  watch.stop();
  expect(watch.sinceSignalMs() ?? 0, 'time from the interrupt to the end').toBeLessThan(STOP_MS);
  expect(watch.peakMiB, 'peak of resident memory in MiB').toBeLessThan(MEMORY_LIMIT_MIB);
  expect(result.status).toBe(1);
  expect(unsafeCharacters(result.rawStderr)).toEqual([]);
  return result;
}

const MiB = 1024 * 1024;
const times = 'T0 0 0 0\n'.repeat(7000);
const pattern: Pick<Flood, 'operands'> = { operands: ['h:*', 'out/'] };
const inTree: Pick<Flood, 'flags' | 'operands'> = { flags: ['-r'], operands: ['h:d', 'out/'] };

const downloads: readonly Flood[] = [
  { title: 'times records', block: times, bytes: 8 * MiB, forms },
  { title: 'error messages', block: '\x01oops\n'.repeat(1000), bytes: 2 * MiB },
  { title: 'error messages without words', block: '\x01\n'.repeat(1000), bytes: 1 * MiB },
  {
    title: 'empty directories of the same name',
    ...inTree,
    first: 'D0755 0 d\n',
    block: 'D0755 0 e\nE\n'.repeat(500),
    bytes: 1 * MiB,
  },
  {
    title: 'empty files of the same name',
    ...inTree,
    first: 'D0755 0 d\n',
    block: 'C0644 0 e\n\0'.repeat(500),
    bytes: 1 * MiB,
  },
  {
    title: 'names that are too long for any file, each another one',
    ...pattern,
    block: (round) => Array.from({ length: 30 }, (_, i) => `C0644 0 ${'n'.repeat(1990)}${round * 30 + i}\n`).join(''),
    bytes: 64 * MiB,
    forms,
  },
  {
    title: 'a line without end on standard error',
    to: 'stderr',
    block: 'a'.repeat(65_536),
    bytes: 40 * MiB,
    forms,
  },
  { title: 'escapes without a line end on standard error', to: 'stderr', block: '\x1b'.repeat(65_536), bytes: 2 * MiB },
  { title: 'lines on standard error', to: 'stderr', block: 'so what\n'.repeat(1000), bytes: 8 * MiB },
  {
    title: 'lines on standard error, where what the client says is not read,',
    to: 'stderr',
    block: 'so what\n'.repeat(1000),
    bytes: 96 * MiB,
    stalledStderr: true,
  },
  {
    title: 'error messages, where what the client says is not read,',
    block: '\x01oops\n'.repeat(1000),
    bytes: 12 * MiB,
    stalledStderr: true,
  },
];

/** Floods that the client ends by itself, at a limit. */
const limited: readonly (Flood & { cause: RegExp })[] = [
  { title: 'one line', block: 'a'.repeat(65_536), bytes: 64 * MiB, forms, cause: /the remote shell printed/ },
  { title: 'one record', first: 'T0 0 0 0\n', block: 'C'.repeat(65_536), bytes: 64 * MiB, cause: /record is too long/ },
  {
    title: 'one error message',
    first: '\x01',
    block: 'e'.repeat(65_536),
    bytes: 64 * MiB,
    cause: /message is too long/,
  },
  { title: 'zeros', block: '\0'.repeat(65_536), bytes: 64 * MiB, cause: /the remote shell printed/ },
  { title: 'line feeds', block: '\n'.repeat(65_536), bytes: 64 * MiB, cause: /the remote shell printed an empty line/ },
  {
    title: 'one directory in the other',
    ...inTree,
    first: 'D0755 0 d\n',
    block: 'D0755 0 d\n'.repeat(500),
    bytes: 1 * MiB,
    cause: /directories nest deeper than 1024 levels/,
  },
];

function inForm<T extends Flood>(floods: readonly T[], form: Form): readonly T[] {
  return floods.filter((row) => (row.forms ?? ['program']).includes(form));
}

describe.each(forms)(
  'a server (%s) that sends, without end and without reading the answers,',
  { timeout: 100_000 },
  (form) => {
    it.skipIf(!canWatchMemory).each(inForm(downloads, form))(
      '$title takes bounded memory, and Ctrl-C ends it',
      async (options) => {
        const result = await weather(options, form);
        expect(result.changes.filter((line) => line.includes('.sealift-part'))).toEqual([]);
      },
    );

    it.skipIf(!canWatchMemory).each(inForm(limited, form))('$title is given up at a limit', async (options) => {
      const result = await weather(options, form, 'wait');
      expect(result.stderr).toMatch(options.cause);
      expectCleanEnd(result);
    });
  },
);

async function bigFile(sandbox: Sandbox): Promise<void> {
  await writeFile(join(sandbox.work, 'big'), '');
  await truncate(join(sandbox.work, 'big'), 1024 * MiB);
  await sandbox.settle();
}

const ofBigFile: Pick<Flood, 'prepare' | 'operands'> = { prepare: bigFile, operands: ['big', 'h:there'] };

const uploads: readonly Flood[] = [
  { title: 'zeros', first: '\0\0', block: '\0'.repeat(65_536), bytes: 16 * MiB, forms },
  { title: 'error messages', first: '\0\0', block: '\x01oops\n'.repeat(1000), bytes: 16 * MiB },
  { title: 'text', first: '\0\0', block: 'x'.repeat(65_536), bytes: 16 * MiB },
  {
    title: 'single zeros',
    first: '\0\0',
    block: '\0'.repeat(500),
    singly: true,
    bytes: 300_000,
    forms: ['server'],
  },
  {
    title: 'a line without end on standard error',
    first: '\0\0',
    to: 'stderr',
    block: 'a'.repeat(65_536),
    bytes: 40 * MiB,
  },
];

describe.each(forms)(
  'a server (%s) that reads nothing of an upload of 1 GiB and sends, without end,',
  { timeout: 100_000 },
  (form) => {
    it.skipIf(!canWatchMemory).each(inForm(uploads, form))(
      '$title takes bounded memory, and Ctrl-C ends it',
      async (options) => {
        expect((await weather({ ...options, ...ofBigFile }, form)).changes).toEqual([]);
      },
    );

    it.skipIf(!canWatchMemory).each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
      'nothing, takes bounded memory, and %s ends it',
      async (name) => {
        const watch = new Watch();
        const result = await attack({
          form,
          prepare: bigFile,
          operands: ['big', 'h:there'],
          onStart: watch.onStart,
          timeoutMs: 60_000,
          script: async (peer: HostilePeer) => {
            await peer.send('\0\0');
            await watch.idle();
            watch.signal(name);
            await peer.gone;
          },
        });
        watch.stop();
        expect(watch.sinceSignalMs()).toBeLessThan(STOP_MS);
        expect(watch.peakMiB).toBeLessThan(MEMORY_LIMIT_MIB);
        expectCleanEnd(result);
        expect(result).toMatchObject({ status: 1, changes: [] });
      },
    );
  },
);
