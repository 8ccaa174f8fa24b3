import { checkPeerName } from '../../base/peer-name.ts';
import type { Directory } from '../../files/file-system.ts';
import type { ImageFile } from '../image-file.ts';

/** An image that may be started, as a boot list names it. */
export interface BootEntry {
  /** For messages: `flash0:/x.SPA`. */
  readonly name: string;
  /** Opens it once: whatever happens to its name then does not matter. @throws {FileError} */
  open(): Promise<ImageFile & { close(): Promise<void> }>;
}

/**
 * A file in a directory. Links are not followed.
 *
 * @throws {ProtocolError} ERR_UNSAFE_NAME for what is no name of a file
 */
export function bootEntry(directory: Directory, fileName: string, name: string = fileName): BootEntry {
  checkPeerName(fileName);
  return { name, open: () => directory.open(fileName, { access: 'read' }) };
}
