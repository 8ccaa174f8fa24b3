import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { clientEnvironment } from './hostile-run.ts';
import type { Sandbox } from './hostile-sandbox.ts';
import { Watch } from './hostile-watch.ts';
import { sealiftLauncher } from './sealift.ts';

/** How a remote end ended. */
export interface RemoteEndOutcome {
  /** null where it was killed because it took too long. */
  readonly status: number | null;
  /** What it sent to its client (latin1). */
  readonly sent: string;
  readonly stderr: string;
  readonly rawStderr: Buffer;
  readonly stdout: string;
  readonly peakMiB: number;
}

/** A running `scp -t` or `scp -f`, with a hostile client at its streams. */
export class RemoteEnd {
  readonly watch: Watch = new Watch();
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #sent: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(sandbox: Sandbox, flags: readonly string[], timeoutMs = 18_000) {
    const args = [sealiftLauncher, 'scp', ...flags];
    this.#child = spawn(process.execPath, args, { cwd: sandbox.work, env: clientEnvironment(sandbox), stdio: 'pipe' });
    this.#timer = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs);
    this.#child.stdin.on('error', () => {});
    this.#child.stderr.on('data', (chunk: Buffer) => this.#stderr.push(chunk));
    if (this.#child.pid !== undefined) this.watch.onStart(this.#child.pid);
  }

  /** Sends bytes (latin1). False where the remote end does not take them as fast as they come. */
  send(bytes: string): boolean {
    return this.#child.stdin.write(Buffer.from(bytes, 'latin1'));
  }

  end(): void {
    this.#child.stdin.end();
  }

  /** Sends again and again, as fast as it is taken, without reading a reply, until so many bytes are gone, it ends, or it takes no more and only waits. */
  async flood(block: (round: number) => string, bytes: number): Promise<void> {
    const ended = once(this.#child, 'exit');
    for (let sent = 0, round = 0; sent < bytes && this.#child.exitCode === null; round++) {
      const piece = block(round);
      sent += piece.length;
      if (this.send(piece)) continue;
      const noMore = new AbortController();
      const stuck = this.watch.idle(noMore.signal).then(() => 'stuck');
      const event = await Promise.race([once(this.#child.stdin, 'drain'), ended, stuck]);
      noMore.abort();
      if (event === 'stuck') return;
    }
  }

  /** Reads until so many bytes have come. */
  async receive(count: number): Promise<void> {
    this.read();
    while (Buffer.concat(this.#sent).length < count) {
      const event = await Promise.race([
        once(this.#child.stdout, 'data'),
        once(this.#child, 'exit').then(() => undefined),
      ]);
      if (event === undefined) return;
    }
  }

  /** Reads on and on and forgets it; resolves when so many bytes have come. */
  async skim(count: number): Promise<void> {
    let seen = 0;
    await new Promise<void>((resolve) => {
      this.#child.stdout.on('data', (chunk: Buffer) => {
        seen += chunk.length;
        if (seen >= count) resolve();
      });
    });
  }

  /** Begins to take what the remote end sends. Before that its output is stuck. */
  read(): void {
    if (this.#child.stdout.listenerCount('data') > 0) return;
    this.#child.stdout.on('data', (chunk: Buffer) => this.#sent.push(chunk));
  }

  /** Closes the other end of its output: what it writes fails from now on. */
  closeOutput(): void {
    this.#child.stdout.destroy();
  }

  signal(name: NodeJS.Signals): void {
    this.watch.signal(name);
  }

  /** Waits for its end. Its output is read to the end too, unless the client is one that never reads. */
  async ended(output: 'read' | 'unread' = 'read'): Promise<RemoteEndOutcome> {
    if (output === 'read') this.read();
    const event = output === 'read' ? 'close' : 'exit';
    const [status] =
      this.#child.exitCode === null ? ((await once(this.#child, event)) as [number | null]) : [this.#child.exitCode];
    this.#child.stdout.destroy();
    clearTimeout(this.#timer);
    this.watch.stop();
    const rawStderr = Buffer.concat(this.#stderr);
    const sent = Buffer.concat(this.#sent).toString('latin1');
    return { status, sent, stderr: rawStderr.toString(), rawStderr, stdout: '', peakMiB: this.watch.peakMiB };
  }
}
