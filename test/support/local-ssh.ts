import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sealiftLauncher } from './sealift.ts';
import { tempDirectory } from './temp.ts';

/** A stand-in for ssh that runs the remote command on this machine, with our own scp as the remote one. */
export async function localSsh(): Promise<string> {
  const program = join(await tempDirectory(), 'ssh');
  const script = `#!/bin/sh
for last; do :; done
eval "set -- $last"
shift
exec '${process.execPath}' '${sealiftLauncher}' scp "$@"
`;
  await writeFile(program, script);
  await chmod(program, 0o755);
  return program;
}
