import { readFileSync } from 'node:fs';

/** Kept for logs, accounting, the control socket, the figures, the threads of Node, and what a server does beside serving. */
export const RESERVED_DESCRIPTORS = 100;

/** As many handles of SFTP may one connection have open, over all its channels. */
export const HANDLES_PER_CONNECTION = 300;

/** The same for one user, over all connections. */
export const HANDLES_PER_USER = 1000;

/** A handle holds so many descriptors at most: the part, the old file, their folder. */
const DESCRIPTORS_OF_A_HANDLE = 3;

/** How the descriptors of a process are divided, so that all together stay below its limit. */
export interface DescriptorPlan {
  /** Connections that are let in: half of what can be used at most. */
  readonly connections: number;
  /** Descriptors that files and directories may hold: the rest. */
  readonly files: number;
  /** Handles of one connection, and of one user: no user takes more than half of what files may hold. */
  readonly handlesPerConnection: number;
  readonly handlesPerUser: number;
  /** What should be said at the start. */
  readonly warning?: string;
}

/**
 * @param limit descriptors that the process may have; undefined where nobody tells
 * @param connections how many are wanted
 */
export function planDescriptors(limit: number | undefined, connections: number): DescriptorPlan {
  if (limit === undefined)
    return {
      connections,
      files: Number.POSITIVE_INFINITY,
      handlesPerConnection: HANDLES_PER_CONNECTION,
      handlesPerUser: HANDLES_PER_USER,
    };
  const usable = Math.max(2, limit - RESERVED_DESCRIPTORS);
  const allowed = Math.min(connections, Math.floor(usable / 2));
  const files = usable - allowed;
  const handlesPerUser = Math.min(HANDLES_PER_USER, Math.max(1, Math.floor(files / 2 / DESCRIPTORS_OF_A_HANDLE)));
  return {
    connections: allowed,
    files,
    handlesPerConnection: Math.min(HANDLES_PER_CONNECTION, handlesPerUser),
    handlesPerUser,
    ...(allowed < connections ? { warning: tooFew(limit, connections, allowed) } : {}),
  };
}

function tooFew(limit: number, connections: number, allowed: number): string {
  const enough = RESERVED_DESCRIPTORS + 2 * connections;
  return `${limit} open files are allowed to this process: ${allowed} of ${connections} connections are let in; ${descriptorCure(enough)}`;
}

/** What an operator does about it. @param enough how many would do */
export function descriptorCure(enough?: number): string {
  const value = enough === undefined ? '' : `${enough} or more`;
  return `set LimitNOFILE=${value} in the unit, or ulimit -n${value === '' ? '' : ` ${value}`} before the start`;
}

/** How many descriptors this process may have. Undefined where nobody tells, or there is no limit. */
export function descriptorLimit(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
