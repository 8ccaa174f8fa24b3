import { FileError } from '../../base/errors.ts';
import type { EntryAttributes } from '../../files/file-system.ts';
import type { Attributes } from '../../sftp/attributes.ts';
import type { KeptUploads } from './kept.ts';
import type { Opener } from './open-file.ts';
import type { SessionFilesOptions } from './options.ts';
import type { Place } from './place.ts';
import type { Uploads } from './uploads.ts';

/** What a client asked for, as far as it is allowed to ask. */
export function allowedAttributes(
  { permissions, uid, gid, atimeSeconds, mtimeSeconds }: Attributes,
  options: SessionFilesOptions,
): EntryAttributes {
  const hasOwner = uid !== undefined && gid !== undefined && options.owners === 'set';
  const hasTimes = atimeSeconds !== undefined && mtimeSeconds !== undefined;
  return {
    mode: permissions === undefined ? undefined : permissions & options.modeMask,
    ...(hasOwner ? { owner: { uid, gid } } : {}),
    ...(hasTimes ? { times: { atimeSeconds, mtimeSeconds } } : {}),
  };
}

/** Changes attributes of what a session sees under a name. */
export async function setAttributes(
  place: Place,
  attributes: Attributes,
  {
    uploads,
    kept,
    opener,
    options,
  }: { uploads: Uploads; kept: KeptUploads; opener: Opener; options: SessionFilesOptions },
): Promise<void> {
  const upload = await uploads.at(place);
  if (upload !== undefined) return await upload.setAttributes(attributes);
  const status = await place.status();
  const { directory } = place;
  const name = place.name === '' ? '.' : place.name;
  const allowed = allowedAttributes(attributes, options);
  if (status === undefined) {
    if ((await kept.status(directory, name)) === undefined) throw new FileError(place.path, 'set attributes', 'ENOENT');
    // Its own times tell how long it has been kept.
    return await directory.setAttributes(kept.nameOf(name), { ...allowed, times: undefined });
  }
  const { size } = attributes;
  if (size !== undefined && status.kind !== 'file') throw new FileError(place.path, 'truncate', 'EINVAL');
  if (size !== undefined && size !== status.size) await opener.change(place, attributes);
  else await directory.setAttributes(name, allowed);
}
