import { chmod, mkdir } from 'node:fs/promises';
import { localFileSystem } from '../../src/files/local.ts';
import { initKeyStorage } from '../../src/images/keys/init.ts';
import type { ImageSigner } from '../../src/images/sign.ts';
import type { ImageType } from '../../src/images/types.ts';
import { describedAs, makeSigner, signed } from './image-keys.ts';

/** The keys of one vendor: each of its type, version A. */
export interface Vendor {
  readonly rollover: ImageSigner;
  readonly production: ImageSigner;
  readonly special: ImageSigner;
}

/** Keys that are made fast. */
export async function makeVendor(): Promise<Vendor> {
  const [rollover, production, special] = await Promise.all([
    makeSigner('ed25519', 'rollover'),
    makeSigner('ecdsa-p256', 'production'),
    makeSigner('ed25519', 'special'),
  ]);
  return { rollover, production, special };
}

/** Makes the key storage of a vendor in a folder, which is made too. @param nvramPath where its counters are kept */
export async function makeStore(path: string, vendor: Vendor, nvramPath: string = path): Promise<void> {
  for (const folder of [path, nvramPath]) {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
  }
  const directory = await localFileSystem().directory(path);
  const nvram = await localFileSystem().directory(nvramPath);
  try {
    const keys = (['rollover', 'production', 'special'] as const).map((type) => ({
      type,
      version: 'A',
      certificate: vendor[type].certificate.bytes,
    }));
    await initKeyStorage(directory, keys, { nvram });
  } finally {
    await nvram.close();
    await directory.close();
  }
}

/** An image of a vendor, for the product NX3900 unless told otherwise. */
export async function imageOf(
  vendor: Vendor,
  payload: Uint8Array,
  { type = 'production', product = 'NX3900' }: { readonly type?: ImageType; readonly product?: string } = {},
): Promise<Buffer> {
  const key = type.endsWith('special') ? vendor.special : vendor.production;
  return (await signed(payload, [key], { description: describedAs(type, { product }) })).file;
}

/** The same image with one bit of its payload turned. */
export function spoiled(image: Uint8Array, at = 0): Buffer {
  const copy = Buffer.from(image);
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
}
