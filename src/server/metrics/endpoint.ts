import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConnectionError } from '../../base/errors.ts';
import { formatListenAddress, type ListenAddress } from '../listen-address.ts';

/** What the endpoint tells. */
export interface MetricsSource {
  /** The text of `/metrics`. */
  metrics(): Promise<string>;
  /** Whether logins are taken; false while the server starts or stops. */
  readonly isReady: boolean;
}

/** So many scrapers at a time. */
const MAX_CONNECTIONS = 32;
const TIMEOUT_MS = 10_000;

/** Serves `/metrics`, `/healthz` and `/readyz` by HTTP, GET and HEAD only. */
export class MetricsEndpoint {
  readonly #server: Server;
  readonly #source: MetricsSource;

  private constructor(source: MetricsSource) {
    this.#source = source;
    const limits = {
      requestTimeout: TIMEOUT_MS,
      headersTimeout: TIMEOUT_MS,
      keepAliveTimeout: TIMEOUT_MS,
      maxHeaderSize: 8192,
    };
    this.#server = createServer(limits, (request, response) => void this.#answer(request, response));
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  /** @throws {ConnectionError} where the address cannot be listened on */
  static async listen(on: ListenAddress, source: MetricsSource): Promise<MetricsEndpoint> {
    const endpoint = new MetricsEndpoint(source);
    const server = endpoint.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause: NodeJS.ErrnoException) => {
        const reason = cause.code === 'EADDRINUSE' ? 'address already in use' : cause.message;
        reject(
          new ConnectionError(formatListenAddress(on), 'open', `metrics: ${reason}`, {
            cause,
            cure: 'choose another address for metrics.listen',
          }),
        );
      });
      server.listen({ host: on.address, port: on.port, exclusive: true }, () => {
        server.removeAllListeners('error').on('error', () => {});
        resolve();
      });
    });
    return endpoint;
  }

  get address(): ListenAddress {
    const { address, port } = this.#server.address() as AddressInfo;
    return { address, port };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, text: string): void => {
      response.writeHead(status, {
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
        'cache-control': 'no-store',
      });
      response.end(request.method === 'HEAD' ? '' : text);
    };
    request.resume();
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'GET only\n');
    switch (request.url?.split('?')[0]) {
      case '/metrics':
        return await this.#source.metrics().then(
          (text) => send(200, text),
          () => send(503, 'the figures of a process are missing\n'),
        );
      case '/healthz':
        return send(200, 'ok\n');
      case '/readyz':
        return this.#source.isReady ? send(200, 'ready\n') : send(503, 'not ready\n');
      default:
        return send(404, '/metrics, /healthz, /readyz\n');
    }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
