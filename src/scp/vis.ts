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

/**
 * The bytes of a name as it was before vis(3) encoded it. OpenSSH's source encodes every byte of such a name that is not printable ASCII, a space or a tab: `\\`, `\^C` for a control, `\M-c` and
 * `\M^C` for the same with the high bit. A name without an encoded line feed is returned as it is: it was not encoded.
 */
export function decodeRecordName(name: Buffer): Buffer {
  if (!name.includes(ENCODED_LF)) return name;
  const text = name
    .toString('latin1')
    .replace(/\\(?:(\\)|(M?)\^([?-_])|M-([ -~]))/g, (_, backslash, meta, control, high) => {
      if (backslash !== undefined) return '\\';
      if (high !== undefined) return String.fromCharCode(high.charCodeAt(0) | 0x80);
      const code = control === '?' ? 0x7f : control.charCodeAt(0) & 0x1f;
      return String.fromCharCode(meta === 'M' ? code | 0x80 : code);
    });
  return Buffer.from(text, 'latin1');
}
