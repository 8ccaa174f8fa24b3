import { describe, expect, it } from 'vitest';
import type { ConnectionInfo, ServerEvent } from '../../../src/server/events.ts';
import { MetricsEndpoint } from '../../../src/server/metrics/endpoint.ts';
import { Histogram, mergeSnapshots, renderMetrics } from '../../../src/server/metrics/exposition.ts';
import { FAMILIES, ServerMetrics } from '../../../src/server/metrics/server-metrics.ts';

const connection: ConnectionInfo = { id: 7, address: '::1', port: 1234, user: 'alice' };

function ended(status: 0 | 1 | undefined, durationMs: number): ServerEvent {
  const rest = { transfer: 1, service: 'scp', direction: 'sent', path: '/f', files: 1, bytes: 5 } as const;
  return { type: 'transfer-ended', connection, durationMs, status, ...rest };
}

const nothing = { sessions: [], transfers: 0, moved: { received: 0, sent: 0 } };

describe('the figures of a server', () => {
  it('count events by what is ours to name', () => {
    const metrics = new ServerMetrics();
    metrics.note({ type: 'connection-refused', address: 'x', limit: 'connections', reason: 'r' });
    metrics.note({ type: 'login-refused', connection, user: 'u', method: 'password', reason: 'r' });
    metrics.note({ type: 'login-refused', connection, user: 'u', method: 'x"} evil', reason: 'r' });
    for (const status of [0, 0, 1, undefined] as const) metrics.note(ended(status, 2000));
    const text = renderMetrics(metrics.snapshot(nothing), FAMILIES);
    for (const line of [
      'sealift_connections_refused_total{limit="connections"} 1',
      'sealift_logins_total{result="refused",method="password"} 1',
      'sealift_logins_total{result="refused",method="other"} 1',
      'sealift_transfers_total{service="scp",direction="sent",result="complete"} 2',
      'sealift_transfers_total{service="scp",direction="sent",result="with errors"} 1',
      'sealift_transfers_total{service="scp",direction="sent",result="cut off"} 1',
      'sealift_transfer_duration_seconds_bucket{service="scp",direction="sent",le="1"} 0',
      'sealift_transfer_duration_seconds_bucket{service="scp",direction="sent",le="5"} 4',
      'sealift_transfer_duration_seconds_bucket{service="scp",direction="sent",le="+Inf"} 4',
      'sealift_transfer_duration_seconds_sum{service="scp",direction="sent"} 8',
      'sealift_connections_open 0',
    ])
      expect(text.split('\n')).toContain(line);
    expect(text).not.toContain('evil');
  });

  it('have a bounded number of series, whatever peers send', () => {
    const metrics = new ServerMetrics();
    for (let i = 0; i < 1000; i++) {
      metrics.note({ type: 'login-refused', connection, user: `u${i}`, method: `m${i}`, reason: `r${i}` });
      metrics.note({ type: 'request-refused', connection, request: `x${i}` });
      metrics.note({ type: 'entry-failed', connection, reason: `r${i}` });
      metrics.note({ type: 'warning', text: `t${i}` });
    }
    expect(Object.keys(metrics.snapshot(nothing)).length).toBeLessThan(15);
  });

  it('show every series under a family', () => {
    const metrics = new ServerMetrics();
    metrics.note(ended(0, 1));
    const snapshot = metrics.snapshot(nothing);
    const shown = renderMetrics(snapshot, FAMILIES)
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(shown).toHaveLength(Object.keys(snapshot).length);
  });

  it('of several processes are their sum, or their largest where a sum means nothing', () => {
    const one = { sealift_transfers_open: 2, 'sealift_event_loop_delay_seconds{quantile="1"}': 0.5 };
    const two = { sealift_transfers_open: 3, 'sealift_event_loop_delay_seconds{quantile="1"}': 0.1 };
    expect(mergeSnapshots([one, two], FAMILIES)).toEqual({
      sealift_transfers_open: 5,
      'sealift_event_loop_delay_seconds{quantile="1"}': 0.5,
    });
  });

  it('fill the bucket of their bound', () => {
    const histogram = new Histogram('h', [1, 2]);
    for (const value of [1, 2, 3]) histogram.observe({}, value);
    expect(histogram.snapshot()).toEqual({
      'h_bucket{le="1"}': 1,
      'h_bucket{le="2"}': 2,
      'h_bucket{le="+Inf"}': 3,
      h_sum: 6,
      h_count: 3,
    });
  });
});

describe('the endpoint', () => {
  it('serves figures, health and readiness, and nothing else', async () => {
    const source = { metrics: async () => 'x 1\n', isReady: false };
    const endpoint = await MetricsEndpoint.listen({ address: '127.0.0.1', port: 0 }, source);
    try {
      const base = `http://127.0.0.1:${endpoint.address.port}`;
      const get = async (path: string, method = 'GET'): Promise<[number, string]> => {
        const response = await fetch(base + path, { method });
        return [response.status, await response.text()];
      };
      expect(await get('/metrics')).toEqual([200, 'x 1\n']);
      expect(await get('/healthz')).toEqual([200, 'ok\n']);
      expect(await get('/readyz')).toEqual([503, 'not ready\n']);
      source.isReady = true;
      expect(await get('/readyz?x=1')).toEqual([200, 'ready\n']);
      expect((await get('/etc/passwd'))[0]).toBe(404);
      expect((await get('/metrics', 'POST'))[0]).toBe(405);
      source.metrics = () => Promise.reject(new Error('no worker'));
      expect((await get('/metrics'))[0]).toBe(503);
    } finally {
      await endpoint.close();
    }
  });
});
