import type { ImageFile } from '../../src/images/image-file.ts';

/** Bytes as a file. */
export function memoryImage(bytes: Uint8Array, path = 'app.SPA'): ImageFile {
  return {
    path,
    status: () =>
      Promise.resolve({
        kind: 'file',
        mode: 0o644,
        size: bytes.length,
        mtimeSeconds: 0,
        atimeSeconds: 0,
        device: 0,
        inode: 0,
        links: 1,
        uid: 0,
        gid: 0,
      }),
    read(buffer, position) {
      const part = bytes.subarray(position, position + buffer.length);
      buffer.set(part);
      return Promise.resolve(part.length);
    },
  };
}
