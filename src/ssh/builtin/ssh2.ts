type Ssh2 = typeof import('ssh2');

let loading: Promise<Ssh2> | undefined;

/** Loads ssh2 when it is first needed: it is the largest part of the start-up time, and many runs do without it. */
export function loadSsh2(): Promise<Ssh2> {
  // The package is CommonJS; what it exports is the default export.
  loading ??= import('ssh2').then((module) => (module as unknown as { default: Ssh2 }).default);
  return loading;
}
