import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What the spools of messages are called: `spool-<target>-<owner>.<number>.syslog`. */
const NAME = /^spool-([0-9a-z.+=~-]{1,100}_\d{1,5})-(\d{1,10}-[0-9A-Za-z.]{1,64}_[0-9a-f]{1,32})\.(\d{8})\.syslog$/;

/** The owner of what nobody owns: no process has the number 0. */
const NOBODY = '0-nobody_';

/** Longer hosts are cut and told apart by a digest. Characters. */
const MAX_HOST = 90;

/** A file of messages in the folder of the journals, by what its name says. */
export interface SpoolName {
  readonly path: string;
  /** As {@link targetName} gives it. */
  readonly target: string;
  /** The name of a process (process-name.ts) with a suffix of digits a–f. */
  readonly owner: string;
  /** Counts the files of one owner. */
  readonly number: number;
}

/** `<host>_<port>` of a server, in characters that any file system takes. Different servers have different names. */
export function targetName(host: string, port: number): string {
  const safe = host
    .toLowerCase()
    .replaceAll(':', '+')
    .replaceAll(/[^0-9a-z.+-]/g, (unit) => `=${unit.charCodeAt(0).toString(16)}`);
  const digest = createHash('sha256').update(safe).digest('hex').slice(0, 32);
  return `${safe.length <= MAX_HOST ? safe : `${safe.slice(0, 40)}~${digest}`}_${port}`;
}

export function spoolPath(directory: string, { target, owner, number }: Omit<SpoolName, 'path'>): string {
  return join(directory, `spool-${target}-${owner}.${String(number).padStart(8, '0')}.syslog`);
}

/** The owner of a spool that whoever serves the target may take. @param suffix digits a–f, different for each giver */
export function nobody(suffix: string): string {
  return `${NOBODY}${suffix}`;
}

export function isNobody(owner: string): boolean {
  return owner.startsWith(NOBODY);
}

/** The spools in a folder, the oldest first. @throws the system's error where the folder cannot be read */
export function listSpools(directory: string): readonly SpoolName[] {
  const found: (SpoolName & { readonly timeMs: number })[] = [];
  for (const name of readdirSync(directory)) {
    const [, target, owner, number] = NAME.exec(name) ?? [];
    if (target === undefined || owner === undefined) continue;
    const path = join(directory, name);
    const timeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (timeMs !== undefined) found.push({ path, target, owner, number: Number(number), timeMs });
  }
  // Those of one owner that were written in the same moment, by their numbers.
  return found.sort((a, b) => a.timeMs - b.timeMs || a.number - b.number);
}

/** What the spools of a target take on the disk, those of other processes too. Bytes. @throws the system's error */
export function spooledBytes(directory: string, target: string): number {
  let sum = 0;
  for (const one of listSpools(directory))
    if (one.target === target) sum += statSync(one.path, { throwIfNoEntry: false })?.size ?? 0;
  return sum;
}
