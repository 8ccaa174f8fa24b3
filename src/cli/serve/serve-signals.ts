/** What signals ask of a server. */
export interface ServeSignals {
  /** Resolves at SIGINT or SIGTERM, or at SIGHUP where that is a request to stop. */
  readonly stopped: Promise<NodeJS.Signals>;
  /** From now on SIGHUP calls this. */
  onReload(reload: () => void): void;
  release(): void;
}

/**
 * Listens to SIGINT, SIGTERM and SIGHUP. The first SIGINT or SIGTERM asks the server to stop, the second calls `force`. SIGHUP before the server is ready is remembered.
 *
 * @param hangupStops whether SIGHUP is a request to stop too: so it is where somebody has started the server on a terminal, and closes that
 */
export function serveSignals(force: () => void, hangupStops = false): ServeSignals {
  let reload: (() => void) | undefined;
  let isWanted = false;
  let isStopping = false;
  let resolve: (signal: NodeJS.Signals) => void = () => {};
  const stopped = new Promise<NodeJS.Signals>((done) => {
    resolve = done;
  });
  const onStop = (signal: NodeJS.Signals): void => {
    if (isStopping) force();
    isStopping = true;
    resolve(signal);
  };
  const onHangup = (): void => {
    if (reload === undefined) isWanted = true;
    else if (!isStopping) reload();
  };
  const ofHangup = hangupStops ? onStop : onHangup;
  process.on('SIGINT', onStop).on('SIGTERM', onStop).on('SIGHUP', ofHangup);
  return {
    stopped,
    onReload: (callback) => {
      reload = callback;
      if (isWanted) callback();
    },
    release: () => {
      process.off('SIGINT', onStop).off('SIGTERM', onStop).off('SIGHUP', ofHangup);
    },
  };
}
