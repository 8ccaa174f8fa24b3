/*
 * A control record is one line, so a file name with a line feed cannot stand in it as it is. OpenSSH's source sends such a name through
 * vis(3) with VIS_NL: LF becomes `\^J` and every backslash of that name is doubled; other names are not touched. Its sink does not undo this,
 * ours does, so that a name comes back as it was.
 */
const LF = '\n';
const ENCODED_LF = '\\^J';

/** The form of a name that goes into a record. Only names that hold a line feed, or would decode to one, are changed. */
export function encodeRecordName(name: string): string {
  if (!name.includes(LF) && !name.includes(ENCODED_LF)) return name;
  return name.replaceAll('\\', '\\\\').replaceAll(LF, ENCODED_LF);
}

/** The inverse of {@link encodeRecordName}; a name without an encoded line feed or doubled escape is returned as it is. */
export function decodeRecordName(name: string): string {
  if (!name.includes(ENCODED_LF)) return name;
  return name.replace(/\\(\\|\^J)/g, (_, what: string) => (what === '\\' ? '\\' : LF));
}
