import type { ContentCheck } from '../files/content-check.ts';
import type { Directory } from '../files/file-system.ts';
import { type CountedKeys, imageCheck } from './image-check.ts';
import { openKeyStorage } from './keys/open.ts';
import type { ImagePolicy } from './types.ts';
import { WatchedKeys, type WatchedKeysOptions } from './watched-keys.ts';

export interface SignedContentOptions extends Omit<WatchedKeysOptions<CountedKeys>, 'open'> {
  /** The folder of the key storage whose keys vouch for images. It is read again when a file in it has changed. */
  readonly store: string;
  /** Where the storage keeps the numbers that only grow, if not in it. */
  readonly nvram?: string | undefined;
  readonly policy?: ImagePolicy | undefined;
  /** Told what is wrong with a storage that can be used all the same (one of its copies is damaged), each time that it is read. */
  readonly onProblem?: ((text: string) => void) | undefined;
}

/** The check of contents that finds those images good that the keys of a storage vouch for, and whose security counter is no lower than the storage has seen. Nothing is read before it is asked. */
export function signedContent({ store, nvram, policy, onProblem, ...told }: SignedContentOptions): ContentCheck {
  const open = async (directory: Directory, nvramDirectory?: Directory): Promise<CountedKeys> => {
    const storage = await openKeyStorage(directory, { nvram: nvramDirectory });
    for (const { text } of storage.problems) onProblem?.(text);
    return storage;
  };
  const watched = new WatchedKeys(nvram === undefined ? [store] : [store, nvram], { ...told, open });
  return imageCheck({ keys: () => watched.current(), policy });
}
