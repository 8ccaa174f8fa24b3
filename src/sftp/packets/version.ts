import { ProtocolError } from '../../base/errors.ts';
import { SSH_FXP_INIT, SSH_FXP_VERSION } from '../constants.ts';
import { MAX_EXTENSIONS } from '../limits.ts';
import { type Layout, type Packet, packet } from './packet.ts';

/** What INIT and VERSION say. */
export interface Version {
  readonly version: number;
  /** The extensions that are offered, by name; the data is mostly a version number in decimal. */
  readonly extensions: ReadonlyMap<string, string>;
}

/**
 * ```text
 * uint32 version
 * then as often as there are extensions:
 *   string extension-name, string extension-data
 * ```
 *
 * (draft section 4). The only packets without a request id.
 */
const versionLayout: Layout<Version> = {
  write(writer, { version, extensions }) {
    writer.uint32(version);
    for (const [name, data] of extensions) {
      writer.name(name);
      writer.name(data);
    }
  },
  read(reader) {
    const version = reader.uint32();
    const extensions = new Map<string, string>();
    while (reader.remaining > 0) {
      if (extensions.size >= MAX_EXTENSIONS) throw new ProtocolError('protocol error: too many extensions');
      extensions.set(reader.name(), reader.name());
    }
    return { version, extensions };
  },
};

export const initPacket: Packet<Version> = packet(SSH_FXP_INIT, versionLayout);
export const versionPacket: Packet<Version> = packet(SSH_FXP_VERSION, versionLayout);
