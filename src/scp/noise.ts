import { decodeName } from '../base/byte-name.ts';
import { ProtocolError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

/** How much of the unexpected text an error shows, in characters. */
const SHOWN_CHARACTERS = 120;

const cure =
  'the login shell of the remote account prints text for commands that are not interactive (often an echo in .bashrc, .profile or .cshrc); ' +
  'print only where a terminal is present, for example: case $- in *i*) echo hello;; esac';

/** What OpenSSH's server says to every command where `ForceCommand internal-sftp` stands. */
const ONLY_SFTP = /allows sftp connections only/i;

/**
 * The error for text where the SCP protocol should have begun: a greeting of the login shell, a menu, an error of the shell itself.
 * An empty line is the case that makes other clients wait for ever.
 */
export function noiseError(text: Uint8Array): ProtocolError {
  const shown = printable(decodeName(text).trim());
  const cut = shown.length > SHOWN_CHARACTERS ? `${shown.slice(0, SHOWN_CHARACTERS)}…` : shown;
  if (ONLY_SFTP.test(shown)) {
    return new ProtocolError(`the server allows the account nothing but SFTP: "${cut}"`, { cure: 'leave -O out' });
  }
  const what = cut === '' ? 'an empty line' : `"${cut}"`;
  return new ProtocolError(`the remote shell printed ${what} where the copy protocol should begin`, { cure });
}

/** True where the first line may have been meant as a control record, so that an error should speak of the record and not of a talkative shell. */
export function looksLikeRecord(line: Uint8Array): boolean {
  return /^(?:[CD][0-9-]|T[0-9-]|E$)/.test(Buffer.from(line).toString('latin1'));
}
