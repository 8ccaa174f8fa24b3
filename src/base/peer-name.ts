import { ProtocolError } from './errors.ts';
import { printable } from './printable.ts';

/** The longest single name any file system here takes, in bytes (Linux NAME_MAX). */
export const MAX_NAME_BYTES = 255;

/** Names that Windows gives to devices, with or without an extension. */
const windowsDevice =
  /^(con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]|conin\$|conout\$)(\.|$)/i;

/**
 * The one gate for a name that came from a peer and is about to name a file here. It lets a single path component
 * through and refuses everything that could lead elsewhere: empty, `.`, `..`, a slash, a NUL; on Windows also
 * backslashes, colons, device names, and trailing dots or spaces.
 *
 * @throws {ProtocolError} `ERR_UNSAFE_NAME`, worded as OpenSSH's scp words it.
 */
export function checkPeerName(name: string, platform: NodeJS.Platform = process.platform): string {
  const refuse = (): never => {
    throw new ProtocolError(`error: unexpected filename: ${printable(name)}`, { code: 'ERR_UNSAFE_NAME' });
  };
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) refuse();
  if (platform === 'win32' && (/[\\:<>"|?*]/.test(name) || /[. ]$/.test(name) || windowsDevice.test(name))) refuse();
  return name;
}
