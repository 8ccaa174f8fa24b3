import type { DifferenceId } from './differences.ts';
import type { Tree } from './tree.ts';

/** Where the source and the target of a case are. */
export type Direction =
  /** here -> `server` */
  | 'up'
  /** `server` -> here */
  | 'down'
  /** here -> here, by cp */
  | 'local'
  /** `server` -> `other` through here: `-3` */
  | 'relay'
  /** `server` -> `other` directly: `-R` */
  | 'remote';

export type Protocol = 'scp' | 'sftp';

/** One way to run a case: `up/scp`, `down/sftp`. */
export type Variant = `${Direction}/${Protocol}`;

/** Variants that have all these words: `up`, `sftp`, `up/scp`, or `*` for all. */
export type VariantFilter = Direction | Protocol | Variant | '*';

/** A place where ours is meant to differ. */
export interface Named {
  readonly id: DifferenceId;
  readonly in?: VariantFilter | readonly VariantFilter[];
  /**
   * What differs: lines of `compareSnapshots`, `status: 0 -> 1`, `message about X` (both say something that names X, in other
   * words), `only we say X`, `only scp says X`. `*` stands for anything. Each must occur.
   */
  readonly lines: readonly string[];
  /** Others cannot do what the reference does here. */
  readonly onlyAsRoot?: boolean;
}

export interface Case {
  /** A sentence about what happens. */
  readonly name: string;
  readonly runs: readonly Variant[];
  /** What is there before, on both sides. */
  readonly source?: Tree;
  readonly target?: Tree;
  /**
   * Options and operands. `<x` is x on the source's side, `>x` on the target's, with the host where there is one. `{S}` and `{T}` are
   * the directories of the two sides, `{PORT}` and `{USER}` those of the server.
   */
  readonly args: readonly string[];
  /** Where the two sides start, below their directories. */
  readonly start?: { readonly source?: string; readonly target?: string };
  /** Default 022, on both sides. */
  readonly umask?: '000' | '022' | '077';
  /** The exit status of the reference, so that a case cannot pass because nothing works. Default 0. */
  readonly status?: number | Partial<Record<VariantFilter, number>>;
  /** The reference succeeds without changing anything. */
  readonly changesNothing?: true | VariantFilter | readonly VariantFilter[];
  /** Root may read and write everything, others may not. */
  readonly notAsRoot?: boolean;
  readonly onlyAsRoot?: boolean;
  /** Ours is run with the built-in transport too, in the variants of `oneOfEach`. */
  readonly builtin?: boolean;
  /** A status that the reference ends with at times, in place of the one it is compared by: it is faster than its own child, or is not. */
  readonly orStatus?: number;
  /** Variants in which the reference hangs: it is not run, and ours is compared with what was there before. */
  readonly hangs?: { readonly in: VariantFilter; readonly status: number };
  readonly differs?: readonly Named[];
}

export const scpBothWays: readonly Variant[] = ['up/scp', 'down/scp'];
export const uploads: readonly Variant[] = ['up/scp', 'up/sftp'];
export const downloads: readonly Variant[] = ['down/scp', 'down/sftp'];
export const bothWays: readonly Variant[] = [...uploads, ...downloads];
/** For what is the same in both protocols and both directions: two variants that have all four parts. */
export const oneOfEach: readonly Variant[] = ['up/sftp', 'down/scp'];
export const otherOfEach: readonly Variant[] = ['up/scp', 'down/sftp'];
export const relays: readonly Variant[] = ['relay/sftp', 'relay/scp'];

export function matchesVariant(variant: Variant, filter: VariantFilter): boolean {
  if (filter === '*' || filter === variant) return true;
  return variant.split('/').includes(filter);
}

/** The exit status that the reference must have. */
export function expectedStatus(of: Case, variant: Variant): number {
  if (of.status === undefined || typeof of.status === 'number') return of.status ?? 0;
  for (const [filter, status] of Object.entries(of.status)) {
    if (filter !== '*' && matchesVariant(variant, filter as VariantFilter)) return status;
  }
  return of.status['*'] ?? 0;
}

/** Whether the reference must leave everything as it was. */
export function expectsNoChange(of: Case, variant: Variant): boolean {
  if (of.changesNothing === undefined || of.changesNothing === true) return of.changesNothing ?? false;
  return matchesAny(variant, of.changesNothing);
}

function matchesAny(variant: Variant, filters: VariantFilter | readonly VariantFilter[]): boolean {
  return [filters].flat().some((filter) => matchesVariant(variant, filter));
}

/** Whether ours is run with the built-in transport too. */
export function runsBuiltin(of: Case, variant: Variant): boolean {
  return of.builtin === true && oneOfEach.includes(variant);
}

/** What is meant to differ in one variant. */
export function namedFor(of: Case, variant: Variant): readonly Named[] {
  const isRoot = process.getuid?.() === 0;
  return (of.differs ?? []).filter(
    ({ in: filters = '*', onlyAsRoot = false }) => matchesAny(variant, filters) && (isRoot || !onlyAsRoot),
  );
}

/** Where the sides of a variant are: names of directories of a sandbox, and the host. */
export function sidesOf(variant: Variant): { source: Side; target: Side } {
  const here = { directory: 'local' };
  const server = { directory: 'remote', host: 'server' };
  const other = { directory: 'other', host: 'other' };
  switch (variant.split('/')[0] as Direction) {
    case 'up':
      return { source: here, target: server };
    case 'down':
      return { source: server, target: here };
    case 'local':
      return { source: here, target: { directory: 'other' } };
    case 'relay':
    case 'remote':
      return { source: server, target: other };
  }
}

export interface Side {
  readonly directory: string;
  readonly host?: string;
}
