import { runsEverything } from './large.ts';
import { PowerCut, type PowerCutDisk } from './power-cut-disk.ts';

/*
 * Cuts the power at every call of some work, restarts in every state that the disk may be in, and holds what is found against the invariants of a storage of keys with two copies:
 *
 * - there is a usable key, always;
 * - what was reported as done is permanent;
 * - the floor never falls;
 * - a key that was seen to be revoked never comes back;
 * - the copies are equal after a start;
 * - running the command again completes one that was interrupted;
 * - all of that also where one of the copies is destroyed, before the start or behind it.
 */

/** What a start finds. */
export interface Found {
  /** Versions of keys that are valid. */
  readonly valid: readonly string[];
  /** Versions that are refused. */
  readonly revoked: readonly string[];
  readonly floor: string;
}

/** A way to keep keys, and some work on it. */
export interface CutSubject {
  /** The names of the two copies, as `folder/name`. */
  readonly copies: readonly [string, string];
  /** Does the work, and says when it reports it as done. @param life tells the starts of the machine apart */
  readonly work: (disk: PowerCutDisk, life: number, done: () => void) => Promise<void>;
  /** Starts: puts right what can be, and tells what there is. */
  readonly start: (disk: PowerCutDisk, life: number) => Promise<Found>;
  /** Whether the work has had its effect. */
  readonly isDone: (found: Found) => boolean;
}

/** What was tried, and what went wrong: by invariant, so many times, and an example of each. */
export interface CutReport {
  readonly cuts: number;
  /** States of the disk after a cut; those that are the same are counted each time and tried once. */
  readonly states: number;
  readonly restarts: number;
  readonly violations: ReadonlyMap<string, { readonly times: number; readonly example: string }>;
}

const isReading = /^(?:status|fstat|read|list|close|open \S+ read$)/;

/** Runs the work on copies of a disk, with the power cut at each call once. */
export async function cutEverywhere(disk: PowerCutDisk, subject: CutSubject): Promise<CutReport> {
  const explorer = new Explorer(subject, await subject.start(disk.restarted(), 1));
  let cuts = 0;
  for (let at = 0; ; at++) {
    const world = disk.restarted();
    world.cutAt = at;
    let isReported = false;
    try {
      await subject.work(world, 2, () => {
        isReported = true;
      });
    } catch (error) {
      if (!world.isCut) throw error;
    }
    // A call that changes nothing leaves what the next one leaves whose change is lost.
    if (world.isCut && isReading.test(world.calls[at] ?? '')) continue;
    cuts++;
    const call = world.isCut ? `${at}: ${world.calls[at]}` : 'behind the last call';
    for (const survivor of world.survivors()) await explorer.look(survivor, call, isReported);
    if (!world.isCut) break;
  }
  return { cuts, states: explorer.states, restarts: explorer.restarts, violations: explorer.violations };
}

class Explorer {
  readonly violations = new Map<string, { times: number; example: string }>();
  restarts = 0;
  states = 0;
  readonly #seen = new Set<string>();
  #looks = 0;
  readonly #subject: CutSubject;
  readonly #before: Found;

  constructor(subject: CutSubject, before: Found) {
    this.#subject = subject;
    this.#before = before;
  }

  #violated(invariant: string, example: string): void {
    const known = this.violations.get(invariant);
    this.violations.set(invariant, { times: (known?.times ?? 0) + 1, example: known?.example ?? example });
  }

  /** One state of the disk after a cut: as it is, and with either copy destroyed. */
  async look(survivor: PowerCutDisk, call: string, isReported: boolean): Promise<void> {
    this.states++;
    // Neighbouring cuts leave the same states, and the same state has the same future.
    const signature = `${isReported} ${survivor.signature()}`;
    if (this.#seen.has(signature)) return;
    this.#seen.add(signature);
    await this.#lookAt(survivor.restarted(), call, isReported);
    for (const copy of this.#subject.copies) {
      const damaged = survivor.restarted();
      if (destroy(damaged, copy)) await this.#lookAt(damaged, `${call}, ${copy} destroyed`, isReported);
    }
  }

  async #lookAt(disk: PowerCutDisk, call: string, isReported: boolean): Promise<void> {
    const found = await this.#start(disk, 3, call);
    if (found === undefined) return;
    if (isReported && !this.#subject.isDone(found)) this.#violated('what was done is undone', call);
    if (found.floor < this.#before.floor) this.#violated('the floor has fallen', call);
    const [one, other] = this.#subject.copies.map((copy) => disk.image().get(copy)?.content);
    if (one === undefined || other === undefined || !one.equals(other)) this.#violated('the copies differ', call);
    // As many as there is time for: the first cut has been tried in all its states.
    if (runsEverything || this.#looks++ % 4 === 0) await this.#secondCut(disk, found, call);
    for (const copy of this.#subject.copies) {
      const later = disk.restarted();
      destroy(later, copy);
      const again = await this.#start(later, 4, `${call}, ${copy} destroyed later`);
      if (again !== undefined) this.#compare(found, again, `${call}, ${copy} destroyed later`);
    }
    await this.#subject.work(disk, 5, () => {}).catch(() => this.#violated('it cannot be run again', call));
    const completed = await this.#start(disk, 6, call);
    if (completed !== undefined && !this.#subject.isDone(completed))
      this.#violated('running it again does not complete it', call);
  }

  /** The power goes again during the start: at one call, which differs from state to state. */
  async #secondCut(disk: PowerCutDisk, found: Found, call: string): Promise<void> {
    const world = disk.restarted();
    for (const copy of this.#subject.copies.slice(this.restarts % 2, (this.restarts % 2) + 1)) destroy(world, copy);
    world.cutAt = this.restarts % 23;
    try {
      await this.#subject.start(world, 7);
    } catch (error) {
      if (!(error instanceof PowerCut)) return this.#violated('no usable key', `${call}, and again: ${String(error)}`);
    }
    let index = 0;
    for (const survivor of world.survivors()) {
      if (index++ % 5 !== this.restarts % 5) continue;
      const again = await this.#start(survivor, 8, `${call}, and again at ${world.calls.at(-1)}`);
      if (again !== undefined) this.#compare(found, again, `${call}, and again at ${world.calls.at(-1)}`);
    }
  }

  #compare(found: Found, again: Found, call: string): void {
    if (found.revoked.some((version) => again.valid.includes(version))) this.#violated('a revoked key is back', call);
    if (again.floor < found.floor) this.#violated('the floor has fallen', call);
    if (this.#subject.isDone(found) && !this.#subject.isDone(again)) this.#violated('what was seen is undone', call);
  }

  async #start(disk: PowerCutDisk, life: number, call: string): Promise<Found | undefined> {
    this.restarts++;
    try {
      const found = await this.#subject.start(disk, life);
      if (found.valid.length > 0) return found;
      this.#violated('no usable key', call);
    } catch (error) {
      this.#violated('no usable key', `${call}: ${String(error)}`);
    }
    return undefined;
  }
}

/** Fills a file with noise, as a bad sector does. @returns false where there is none */
function destroy(disk: PowerCutDisk, path: string): boolean {
  const [folder = '', name = ''] = path.split('/');
  const inode = disk.folders.get(folder)?.names.get(name);
  if (inode === undefined) return false;
  inode.content = Buffer.alloc(inode.content.length, 0xdb);
  inode.durable = inode.content;
  return true;
}
