import { access, constants, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** The path of a program as execvp(3) finds it: as it is where it has a slash, else on the search path. */
export async function findProgram(program: string, path: string | undefined): Promise<string | undefined> {
  if (program === '') return undefined;
  if (program.includes('/')) return (await isExecutable(program)) ? program : undefined;
  for (const folder of (path ?? '').split(delimiter)) {
    const candidate = join(folder === '' ? '.' : folder, program);
    if (await isExecutable(candidate)) return candidate;
  }
  return undefined;
}
