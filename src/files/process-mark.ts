/** Tells files of this process from those of others, and those of processes that are gone. */
export interface ProcessMark {
  readonly id: number;
  /** Whether a process with this id runs, of whatever kind. */
  isAlive(id: number): boolean;
}

/** This process. */
export const thisProcess: ProcessMark = {
  id: process.pid,
  isAlive(id) {
    try {
      process.kill(id, 0);
      return true;
    } catch (error) {
      // EPERM: it runs, and belongs to somebody else.
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  },
};
