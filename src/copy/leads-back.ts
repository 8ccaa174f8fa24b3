import type { Directory } from '../files/file-system.ts';

/** Whether a link leads to the directory that it is in, or to one above. */
export async function leadsBack(directory: Directory, name: string): Promise<boolean> {
  if (directory.realPath === undefined) return false;
  const [here, there] = await Promise.all([directory.realPath('.'), directory.realPath(name)]);
  return here === there || here.startsWith(there.endsWith('/') ? there : `${there}/`);
}
