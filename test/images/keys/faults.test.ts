import { describe, expect, it } from 'vitest';
import { ImageError } from '../../../src/base/errors.ts';
import { addKeys } from '../../../src/images/keys/add.ts';
import { revokeKeys } from '../../../src/images/keys/revoke.ts';
import {
  add,
  contentOf,
  fileOf,
  keysIn,
  makeKeyFolder,
  markOfLife,
  recorder,
  refusal,
  revocation,
  revoke,
  states,
  withStorage,
} from '../../support/key-folder.ts';

describe('K12', () => {
  it.each(['ENOSPC', 'EROFS', 'EIO', 'EINTR'] as const)(
    '%s at any call leaves the old state or the new one, and is said',
    async (code) => {
      for (const work of ['add', 'revoke'] as const) {
        for (let failing = 0; ; failing++) {
          const folder = await makeKeyFolder();
          if (work === 'revoke') await add(folder, 'production', revocation());
          const begin = folder.disk.calls.length;
          folder.disk.failAt = (call, index) =>
            index === begin + failing && !/^(status|fstat|read|list|open \S+ read)/.test(call) ? code : undefined;
          const { lines, observer } = recorder();
          const run = withStorage(folder, { change: true, mark: markOfLife(1) }, (storage) =>
            work === 'add'
              ? addKeys(storage, 'production', revocation(), { observer })
              : revokeKeys(storage, 'production', {}, { observer }),
          );
          const error: unknown = await run.then(
            () => undefined,
            (cause) => cause,
          );
          const isPast = folder.disk.calls.length <= begin + failing;
          folder.disk.failAt = undefined;
          if (error !== undefined) {
            expect(error).toBeInstanceOf(ImageError);
            expect((error as ImageError).code).toBe('ERR_KEY_STORAGE');
            expect(lines).not.toContain('Done!');
            if (lines.some((line) => line.endsWith('Failed')))
              expect(lines.at(-1)).toMatch(/^% Key storage (Primary|Backup) not updated; run the command again$/);
          }
          // Readable as it is, and the same command completes it.
          const now = await states(folder);
          expect(now).toContain(work === 'add' ? 'production A valid' : 'production B valid');
          if (work === 'add') await add(folder, 'production', revocation(), { mark: markOfLife(2) });
          else await revoke(folder, 'production', {}, { mark: markOfLife(2) });
          expect(keysIn(folder, 'primary')).toEqual([
            work === 'add' ? 'production A' : 'production A revoked',
            'production B',
            'special A',
          ]);
          expect(fileOf(folder, 'backup.keys')).toEqual(fileOf(folder, 'primary.keys'));
          if (isPast) break;
        }
      }
    },
  );

  it('a storage whose write has failed writes nothing more until it is opened again', async () => {
    const folder = await makeKeyFolder();
    await withStorage(folder, { change: true }, async (storage) => {
      folder.disk.failAt = (call) => (call === 'write primary.keys.new' ? 'ENOSPC' : undefined);
      expect(await refusal(() => addKeys(storage, 'production', revocation()))).toMatchObject({
        message: 'keys: primary not updated: No space left on device',
        cure: 'run the command again',
      });
      folder.disk.failAt = undefined;
      const before = contentOf(folder);
      expect((await refusal(() => addKeys(storage, 'production', revocation()))).message).toBe(
        'keys: a write has failed: it must be opened again',
      );
      expect(contentOf(folder)).toBe(before);
    });
    await add(folder, 'production', revocation());
  });
});
