import { afterEach, expect, it, vi } from 'vitest';
import { type ServeSignals, serveSignals } from '../../../src/cli/serve/serve-signals.ts';

let signals: ServeSignals;

/** As if the process had got it: real signals are for the tests of the built program. */
const raise = (signal: NodeJS.Signals): boolean => process.emit(signal, signal);

afterEach(() => signals.release());

it('SIGHUP reads anew, also one that came before anything could be read; SIGTERM stops, and the second does so at once', async () => {
  const force = vi.fn();
  const reload = vi.fn();
  signals = serveSignals(force);
  raise('SIGHUP');
  signals.onReload(reload);
  raise('SIGHUP');
  expect(reload).toHaveBeenCalledTimes(2);
  raise('SIGTERM');
  expect(await signals.stopped).toBe('SIGTERM');
  raise('SIGHUP');
  expect(reload).toHaveBeenCalledTimes(2);
  expect(force).not.toHaveBeenCalled();
  raise('SIGINT');
  expect(force).toHaveBeenCalledOnce();
});

it('SIGHUP stops where the terminal is closed on which the server was started', async () => {
  const reload = vi.fn();
  signals = serveSignals(() => {}, true);
  signals.onReload(reload);
  raise('SIGHUP');
  expect(await signals.stopped).toBe('SIGHUP');
  expect(reload).not.toHaveBeenCalled();
});
