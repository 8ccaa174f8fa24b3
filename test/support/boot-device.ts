import type { Directory } from '../../src/files/file-system.ts';
import { localFileSystem } from '../../src/files/local.ts';
import { type BootEntry, bootEntry } from '../../src/images/boot/boot-entry.ts';
import { type BootDecision, type BootOptions, decideBoot } from '../../src/images/boot/decide.ts';
import { initKeyStorage } from '../../src/images/keys/init.ts';
import { openKeyStorage } from '../../src/images/keys/open.ts';
import type { KeyStorage } from '../../src/images/keys/storage.ts';
import type { ImageDescription, ImageSigner } from '../../src/images/sign.ts';
import type { ImageType } from '../../src/images/types.ts';
import { describedAs, makeSigner, signed } from './image-keys.ts';
import { putFile } from './key-folder.ts';
import { PowerCutDisk } from './power-cut-disk.ts';

/** Real keys, which are made once for a file of tests. */
export interface DeviceKeys {
  readonly rollover: ImageSigner;
  readonly productionA: ImageSigner;
  readonly productionB: ImageSigner;
  readonly specialA: ImageSigner;
  readonly specialB: ImageSigner;
}

export async function makeDeviceKeys(): Promise<DeviceKeys> {
  return {
    rollover: await makeSigner('ed25519', 'rollover', 'A'),
    productionA: await makeSigner('ecdsa-p256', 'production', 'A'),
    productionB: await makeSigner('rsa-2048', 'production', 'B'),
    specialA: await makeSigner('ed25519', 'special', 'A'),
    specialB: await makeSigner('ed25519', 'special', 'B'),
  };
}

/** A device with a key storage in memory and a flash. */
export class BootDevice {
  readonly disk: PowerCutDisk;
  readonly keys: Directory;
  readonly flash: Directory;

  private constructor(disk: PowerCutDisk, flash: Directory) {
    this.disk = disk;
    this.keys = disk.directory('keys');
    this.flash = flash;
  }

  /** @param flashPath a real folder; default: in memory */
  static async make(keys: DeviceKeys, flashPath?: string): Promise<BootDevice> {
    const disk = new PowerCutDisk();
    const flash =
      flashPath === undefined ? disk.directory('flash') : await localFileSystem({ pin: true }).directory(flashPath);
    await initKeyStorage(disk.directory('keys'), [
      { type: 'rollover', version: 'A', certificate: keys.rollover.certificate.bytes },
      { type: 'production', version: 'A', certificate: keys.productionA.certificate.bytes },
      { type: 'special', version: 'A', certificate: keys.specialA.certificate.bytes },
    ]);
    return new BootDevice(disk, flash);
  }

  /** Opens the storage for changes, does something, closes it. */
  async change<T>(work: (storage: KeyStorage) => Promise<T>): Promise<T> {
    const storage = await openKeyStorage(this.keys, { change: true });
    try {
      return await work(storage);
    } finally {
      await storage[Symbol.asyncDispose]();
    }
  }

  /** Puts a signed image into the flash. @returns its payload */
  async put(
    name: string,
    signers: readonly ImageSigner[],
    type: ImageType = 'production',
    changes: Partial<ImageDescription> & { readonly newKeys?: readonly ImageSigner[]; readonly payload?: Buffer } = {},
  ): Promise<Buffer> {
    const { newKeys = [], payload = Buffer.from(`console.log(${JSON.stringify(name)});\n`), ...description } = changes;
    const { file } = await signed(payload, signers, {
      description: describedAs(type, { name, ...description }),
      newKeys,
    });
    await putFile({ directory: this.flash }, name, file);
    return payload;
  }

  entry(name: string): BootEntry {
    return bootEntry(this.flash, name, `flash0:/${name}`);
  }

  /** Decides by the storage as it is. */
  async decide(
    list: readonly (string | BootEntry)[],
    options: Partial<Omit<BootOptions, 'entries'>> = {},
  ): Promise<BootDecision> {
    const storage = options.storage ?? (await openKeyStorage(this.keys));
    return await decideBoot({
      product: 'NX3900',
      loaderVersion: '2.0',
      ...options,
      storage,
      entries: list.map((one) => (typeof one === 'string' ? this.entry(one) : one)),
    });
  }
}

/** A decision in few words: what starts, and the codes of what was refused before. */
export function outcome(decision: BootDecision): string {
  const refused = decision.refused.map(({ name, error }) => `${name.replace('flash0:/', '')}: ${error.code}`);
  const start = decision.kind === 'start' ? decision.name.replace('flash0:/', '') : 'none';
  return [...refused, start].join(', ');
}
