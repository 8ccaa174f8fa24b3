import { derError } from './limits.ts';
import { Tag } from './tags.ts';

/** From this year on, and only then, times are GeneralizedTime (RFC 5280, 4.1.2.5; RFC 5652, 11.3). */
const FIRST_GENERALIZED_YEAR = 2050;

/** UTCTime begins here. */
const FIRST_UTC_YEAR = 1950;

const pattern = /^(\d{2,4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;

/** A time in seconds and UTC, as RFC 5280, 4.1.2.5 allows: YYMMDDHHMMSSZ for the years 1950 to 2049, YYYYMMDDHHMMSSZ from 2050 on. */
export function decodeTime(tag: number, content: Uint8Array): Date {
  const text = Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1');
  const match = pattern.exec(text);
  const yearDigits = tag === Tag.utcTime ? 2 : tag === Tag.generalizedTime ? 4 : 0;
  if (match === null || match[1]?.length !== yearDigits) throw derError('a time of another form');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const fullYear = yearDigits === 4 ? year : year + (year < 50 ? 2000 : 1900);
  if (yearDigits === 4 && fullYear < FIRST_GENERALIZED_YEAR) throw derError('a GeneralizedTime before the year 2050');
  const date = new Date(0);
  date.setUTCFullYear(fullYear, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const isReal =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!isReal) throw derError('a time that does not exist');
  return date;
}

/** The tag and the content of a time. Fractions of seconds are dropped. @throws {RangeError} where it is not in the years 1950 to 9999. */
export function encodeTime(date: Date): { readonly tag: number; readonly content: Uint8Array } {
  const year = date.getUTCFullYear();
  if (!(year >= FIRST_UTC_YEAR && year <= 9999)) throw new RangeError('a time outside of the years 1950 to 9999');
  const digits = date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '');
  return year < FIRST_GENERALIZED_YEAR
    ? { tag: Tag.utcTime, content: Buffer.from(`${digits.slice(2)}Z`) }
    : { tag: Tag.generalizedTime, content: Buffer.from(`${digits}Z`) };
}
