import { statfs } from 'node:fs/promises';

/** The types of file systems that are somewhere else, or in another process, as statfs(2) numbers them on Linux: NFS, SMB (three generations), FUSE, 9P, AFS, Ceph, Coda, Lustre. */
const TYPES: ReadonlySet<number> = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x65735546, 0x01021997, 0x5346414f, 0x00c36400, 0x73757245, 0x0bd00bd0,
]);

/** Whether what is at the path may stop answering: a call on the spot would stop everything else then. False where the system does not tell. */
export async function isElsewhere(path: string | Buffer): Promise<boolean> {
  return await statfs(path).then(
    ({ type }) => TYPES.has(type >>> 0),
    () => false,
  );
}
