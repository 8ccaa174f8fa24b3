import { type AccountingRecord, recordLine } from './record.ts';

/** The facilities of RFC 5424 section 6.2.1 that a service may use. */
export const syslogFacilities = {
  user: 1,
  daemon: 3,
  auth: 4,
  authpriv: 10,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
} as const;

export type SyslogFacility = keyof typeof syslogFacilities;

/** Severities of RFC 5424 section 6.2.1. */
const NOTICE = 5;
const INFORMATIONAL = 6;

/** Where a message comes from. */
export interface SyslogOrigin {
  readonly facility: SyslogFacility;
  readonly hostname: string;
  /** `sealift` unless said otherwise. */
  readonly appName: string;
  readonly pid: number;
}

/**
 * A message of RFC 5424: `<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID - MSG`. MSG is the record as JSON in ASCII, so that no receiver finds a line break or a control character in it. Long texts are cut until it
 * fits; the JSON stays whole. All of it is printable ASCII: one character is one byte, and a message is one line.
 *
 * @param maxBytes 480 at least, which every receiver takes
 */
export function syslogMessage(record: AccountingRecord, origin: SyslogOrigin, maxBytes: number): string {
  const isNormal = record.record === 'start' || record.status === 'complete';
  const priority = syslogFacilities[origin.facility] * 8 + (isNormal ? INFORMATIONAL : NOTICE);
  const header = [
    `<${priority}>1`,
    field(record.time, 48),
    field(origin.hostname, 255),
    field(origin.appName, 48),
    String(origin.pid),
    `${record.kind}-${record.record}`,
    '-',
  ].join(' ');
  for (let maxText = 4096; ; maxText = Math.floor(maxText / 2)) {
    const message = `${header} ${ascii(recordLine(record, maxText))}`;
    if (message.length <= maxBytes || maxText < 8) return message;
  }
}

/** A message with its length in front (RFC 6587 section 3.4.1). @param message in ASCII, of which each character is a byte */
export function framed(message: string): string {
  return `${message.length} ${message}`;
}

/** Printable ASCII without blanks (PRINTUSASCII), or the nil value. */
function field(text: string, length: number): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '').slice(0, length) || '-';
}

function ascii(json: string): string {
  return json.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
