import type { FileStatus } from '../../files/file-system.ts';
import { attributesOf } from '../file-status.ts';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Times that are older than this, or in the future, show the year in place of the hour. Half a year, as ls(1) has it. Seconds. */
const RECENT_SECONDS = (365 * 24 * 60 * 60) / 2;

const typeLetters: ReadonlyMap<number, string> = new Map([
  [0o010000, 'p'],
  [0o020000, 'c'],
  [0o040000, 'd'],
  [0o060000, 'b'],
  [0o100000, '-'],
  [0o120000, 'l'],
  [0o140000, 's'],
]);

/** `drwxr-xr-x`, with the letters of strmode(3) for the special bits. */
export function modeText(permissions: number): string {
  const bit = (mask: number, letter: string): string => (permissions & mask ? letter : '-');
  const execute = (mask: number, special: number, letter: string): string =>
    permissions & special ? (permissions & mask ? letter : letter.toUpperCase()) : bit(mask, 'x');
  return [
    typeLetters.get(permissions & 0o170000) ?? '?',
    bit(0o400, 'r') + bit(0o200, 'w') + execute(0o100, 0o4000, 's'),
    bit(0o040, 'r') + bit(0o020, 'w') + execute(0o010, 0o2000, 's'),
    bit(0o004, 'r') + bit(0o002, 'w') + execute(0o001, 0o1000, 't'),
  ].join('');
}

function dateText(seconds: number, nowSeconds: number): string {
  const date = new Date(seconds * 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${months[date.getMonth()] ?? '???'} ${String(date.getDate()).padStart(2)}`;
  const age = nowSeconds - seconds;
  const isRecent = age >= 0 && age < RECENT_SECONDS;
  return `${day} ${isRecent ? `${two(date.getHours())}:${two(date.getMinutes())}` : String(date.getFullYear()).padStart(5)}`;
}

/**
 * The line of `ls -l` about an entry, for people (draft section 7). Programs must not read it.
 *
 * @param owner the names of user and group
 */
export function longName(
  name: string,
  status: FileStatus,
  owner: { readonly user: string; readonly group: string },
  nowSeconds: number,
): string {
  const mode = modeText(attributesOf(status).permissions ?? 0);
  const links = String(status.links).padStart(3);
  const date = dateText(status.mtimeSeconds, nowSeconds);
  return `${mode} ${links} ${owner.user.padEnd(8)} ${owner.group.padEnd(8)} ${String(status.size).padStart(8)} ${date} ${name}`;
}
