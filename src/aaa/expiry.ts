/**
 * Reads a time of `expiry-time=` (sshd(8)): YYYYMMDD or YYYYMMDDHHMM[SS], in local time, or in UTC with a Z behind.
 *
 * @returns milliseconds since 1970
 * @throws {RangeError} where it is none
 */
export function parseExpiry(text: string): number {
  const parts = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z?)$/i.exec(text);
  if (parts === null)
    throw new RangeError('expiry-time= is not of the form YYYYMMDD or YYYYMMDDHHMM[SS], with Z for UTC');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const isUtc = parts[7] !== '';
  const fields = [year, month - 1, day, hour, minute, second] as const;
  const date = isUtc ? new Date(Date.UTC(...fields)) : new Date(...fields);
  const back = isUtc
    ? [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
    : [date.getFullYear(), date.getMonth(), date.getDate()];
  // The 31st of February is not a day in March.
  if (back[0] !== year || back[1] !== month - 1 || back[2] !== day || hour > 23 || minute > 59 || second > 59)
    throw new RangeError(`expiry-time=: there is no such time as ${text}`);
  return date.getTime();
}
