const running = new Map();

process.on('exit', () => {
  for (const [pid, signal] of running) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended by itself.
    }
  }
});

/** Ends a child with this process if it is still there then: whoever stops the bench leaves nothing behind. With `group`, all that it has started too. */
export function endWithUs(child, { group = false } = {}) {
  if (child.pid === undefined) return;
  const pid = group ? -child.pid : child.pid;
  running.set(pid, group ? 'SIGKILL' : 'SIGTERM');
  child.once('exit', () => running.delete(pid));
}
