import { decodeName } from '../base/byte-name.ts';
import { ProtocolError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

/** How much of the unexpected text an error shows, in characters. */
const SHOWN_CHARACTERS = 120;

/** As many bytes of the unexpected text are kept. */
export const MAX_NOISE_BYTES = 1024;

const cure =
  'the login shell of the remote account prints text for commands that are not interactive (often an echo in .bashrc, .profile or .cshrc); ' +
  'print only where a terminal is present, for example: case $- in *i*) echo hello;; esac';

/** The error for text where SFTP should have begun: a greeting of the login shell, a menu, a notice that the account is locked. */
export function noiseError(text: Uint8Array): ProtocolError {
  const line =
    decodeName(text.subarray(0, MAX_NOISE_BYTES))
      .trimStart()
      .split(/[\r\n]/, 1)[0] ?? '';
  const shown = printable(line.trim());
  const cut = shown.length > SHOWN_CHARACTERS ? `${shown.slice(0, SHOWN_CHARACTERS)}…` : shown;
  const what = cut === '' ? 'an empty line' : `"${cut}"`;
  return new ProtocolError(`the remote shell printed ${what} where the SFTP protocol should begin`, { cure });
}

/** Whether a stream that begins with this byte begins with text and not with a packet: as the first byte of a length it stands for more than 100 MB. */
export function looksLikeText(first: number): boolean {
  const isControl = first === 0x09 || first === 0x0a || first === 0x0d || first === 0x1b;
  return isControl || (first >= 0x20 && first < 0x7f) || (first >= 0xc2 && first < 0xf5);
}
