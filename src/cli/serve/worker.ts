import { prepareConfig } from '../../server/config/prepare.ts';
import type { Deployment } from './fleet.ts';
import { Service } from './service.ts';
import { isRequest, WORKER_READY, type WorkerRequest, type WorkerStart } from './worker-messages.ts';

/** Runs a worker: does what the primary process asks for until it is closed, or the primary is gone. @returns the exit status */
export async function runWorker(): Promise<number> {
  const worker = new Worker();
  // Signals of a terminal or of systemd reach every process; the primary decides what they mean.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('message', (message) => {
    if (!isRequest(message)) return;
    const { sealiftRequest: sealiftReply, request } = message;
    worker.execute(request).then(
      (result) => process.send?.({ sealiftReply, result }),
      (error: unknown) =>
        process.send?.({ sealiftReply, error: error instanceof Error ? error.message : String(error) }),
    );
  });
  const gone = new Promise<void>((resolve) => process.once('disconnect', resolve));
  // What was sent before somebody listened is lost.
  process.send?.(WORKER_READY);
  await gone;
  await worker.close();
  return 0;
}

class Worker {
  #start: WorkerStart | undefined;
  #service: Service | undefined;

  async execute(request: WorkerRequest): Promise<unknown> {
    if (request.command === 'start') {
      this.#start = request.start;
      this.#service = await Service.start(await this.#deployment(request.start.text), request.start);
      return this.#service.addresses;
    }
    const service = this.#service;
    if (service === undefined) throw new Error('not started');
    switch (request.command) {
      case 'reload':
        await service.reload(await this.#deployment(request.text));
        return service.addresses;
      case 'sessions':
        return await service.sessions();
      case 'transfers':
        return await service.transfers();
      case 'snapshot':
        return await service.snapshot();
      case 'reopen':
        return await service.reopen();
      case 'kick':
        return await service.kick(request.id);
      case 'close':
        return await service.close(request.graceMs);
      default:
        return request satisfies never;
    }
  }

  async #deployment(text: string): Promise<Deployment> {
    const start = this.#start;
    if (start === undefined) throw new Error('not started');
    const { file, defaultState, inherited, verbose } = start;
    return { prepared: await prepareConfig(text, file, defaultState), text, inherited, verbose };
  }

  /** The primary is gone: nobody could stop us any more. */
  async close(): Promise<void> {
    await this.#service?.close(0);
  }
}
