import { resolve } from 'node:path';
import type { ContentCheck } from '../../files/content-check.ts';
import { signedContent } from '../../images/signed-content.ts';
import type { BeyondOptions } from './beyond.ts';

/**
 * `--verify=signature`: only images that the keys of the storage vouch for get names.
 *
 * @throws {SealiftError} where the storage cannot be used: nothing is copied then
 */
export async function signatureCheck({ keys = '', nvram, product }: BeyondOptions): Promise<ContentCheck> {
  const check = signedContent({
    store: resolve(keys),
    nvram: nvram === undefined ? undefined : resolve(nvram),
    policy: { product },
  });
  await check.ready();
  return check;
}
