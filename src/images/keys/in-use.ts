import type { ImageType, KeyType, VerifiedImage } from '../types.ts';

/** An image that runs, or has to start again, and the keys that have signed it. */
export interface ImageInUse {
  /** For messages: `flash0:/x.SPA`. */
  readonly name: string;
  readonly type: ImageType;
  /** Each key that verified it. One that stays valid is enough. */
  readonly signedWith: readonly { readonly type: KeyType; readonly version: string }[];
}

/** What has to be known of a verified image to judge whether it can start again. */
export function imageInUse(name: string, image: VerifiedImage): ImageInUse {
  const signedWith = image.signers.map(({ key }) => ({ type: key.type, version: key.version }));
  return { name, type: image.info.type, signedWith };
}

/** What the device is doing. Whatever is left out is not known, and not checked: so it is when a folder is administered from a command line. */
export interface DeviceContext {
  /** The image that runs. */
  readonly running?: ImageInUse | undefined;
  /** The image that starts next: the first of the boot list that verifies. */
  readonly autoboot?: ImageInUse | undefined;
  /** The upgradable ROMmon. */
  readonly rommon?: ImageInUse | undefined;
  /** A reload is scheduled and has not happened yet. */
  readonly isReloadScheduled?: boolean | undefined;
  /** The image that runs was started by a warm reload or upgrade. */
  readonly wasWarmReload?: boolean | undefined;
}
