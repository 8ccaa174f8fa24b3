import { ImageError } from '../../src/base/errors.ts';
import type { ContentCheck } from '../../src/files/content-check.ts';

/** What a content must end with to be found good by {@link markCheck}. */
export const MARK = '#signed';

/** Good content, of this size at least. */
export function marked(text: string): Buffer {
  return Buffer.from(`${text}${MARK}`);
}

export interface MarkCheck extends ContentCheck {
  /** Set: nothing can be judged. */
  unusable: string | undefined;
  /** How many looks were begun, and how many bytes they saw. */
  looks: number;
  bytes: number;
  /** Called before a verdict. */
  beforeEnd: () => Promise<void>;
}

/** A check that takes what ends with {@link MARK} and holds neither `!` nor NUL; it stands for that of signed images, which has tests of its own. */
export function markCheck(): MarkCheck {
  const check: MarkCheck = {
    unusable: undefined,
    looks: 0,
    bytes: 0,
    beforeEnd: async () => {},
    ready: async () => {
      if (check.unusable !== undefined) throw new ImageError('store', 'ERR_KEY_STORAGE', check.unusable);
    },
    begin: (name) => {
      check.looks++;
      let text = '';
      return {
        write: (chunk) => {
          check.bytes += chunk.length;
          text += Buffer.from(chunk).toString('latin1');
          if (text.includes('!')) throw new ImageError(name, 'ERR_IMAGE_POLICY', 'it is certain already');
        },
        end: async () => {
          await check.beforeEnd();
          await check.ready();
          if (!text.endsWith(MARK)) throw new ImageError(name, 'ERR_IMAGE_UNSIGNED', 'has no signature envelope');
          if (text.includes('\0')) throw new ImageError(name, 'ERR_IMAGE_DIGEST', 'has a hole');
          const signers = [{ type: 'production', version: 'A' }];
          return { type: 'production', product: 'NX', version: '1', signers, warnings: [] };
        },
      };
    },
  };
  return check;
}
