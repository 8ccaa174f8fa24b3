import { readProgramWords } from '../config/program.ts';
import type { SshTarget } from '../connection.ts';

/** What the configuration must say, in the words of `ssh -G`, for a login that several sessions share: that nobody has thought of sharing, that questions may be asked, and that an `ssh` of ours stays what it is. */
const ordinary: Readonly<Record<string, readonly (string | undefined)[]>> = {
  // "none" is a wish too.
  controlpath: [undefined],
  controlmaster: ['false', 'no', undefined],
  batchmode: ['no', 'false', undefined],
  forkafterauthentication: ['no', 'false', undefined],
  sessiontype: ['default', undefined],
};

/**
 * Whether the user's configuration leaves it to us to let several sessions share one login. Whoever has set ControlMaster or ControlPath gets just that.
 *
 * @returns false also where the program does not answer as OpenSSH does: it will tell its reasons when it is to connect
 */
export async function leavesSharingToUs(
  target: SshTarget,
  options: {
    readonly program: string;
    readonly args: readonly string[];
    readonly variables?: Readonly<Record<string, string | undefined>> | undefined;
  },
): Promise<boolean> {
  const values = await readProgramWords(options.program, options.args, target, options.variables).catch(
    () => undefined,
  );
  // Every OpenSSH that can share knows this one; a program that prints something else does not.
  if (values?.get('controlmaster') === undefined) return false;
  return Object.entries(ordinary).every(([keyword, allowed]) => allowed.includes(values.get(keyword)?.[0]?.text));
}
