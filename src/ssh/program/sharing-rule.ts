import { readProgramWords } from '../config/program.ts';
import type { SshTarget } from '../connection.ts';
import type { ConfigPlaces } from './mentions.ts';
import { PLAIN_PATH } from './socket-place.ts';

/** What the configuration must say, in the words of `ssh -G`, for an `ssh` of ours to stay what it is. */
const ordinary: Readonly<Record<string, readonly (string | undefined)[]>> = {
  forkafterauthentication: ['no', 'false', undefined],
  sessiontype: ['default', undefined],
};

/** Who has a say in the sharing of a login. */
export type SharingRule =
  /** We: nobody has thought of it. */
  | { readonly kind: 'ours'; readonly isBatch: boolean }
  /** The user, who has a socket for it; whether somebody listens there is not known. */
  | { readonly kind: 'theirs'; readonly socket: string }
  /** The user, in some other way; or the program does not answer as OpenSSH does, and will tell its reasons when it is to connect. */
  | { readonly kind: 'nobody' };

/** Asks the program (`ssh -G`) who has a say in the sharing of a login. Whoever has set ControlMaster or ControlPath gets just that. Never rejects. */
export async function askSharingRule(
  target: SshTarget,
  options: Pick<ConfigPlaces, 'program' | 'args'> & {
    readonly variables?: Readonly<Record<string, string | undefined>> | undefined;
  },
): Promise<SharingRule> {
  const values = await readProgramWords(options.program, options.args, target, options.variables).catch(
    () => undefined,
  );
  const said = (keyword: string) => values?.get(keyword)?.[0]?.text;
  const master = said('controlmaster');
  // Every OpenSSH that can share knows this one; a program that prints something else does not.
  if (master === undefined) return { kind: 'nobody' };
  if (!Object.entries(ordinary).every(([keyword, allowed]) => allowed.includes(said(keyword))))
    return { kind: 'nobody' };
  const socket = said('controlpath');
  // "none" is a wish too.
  if (socket !== undefined) return PLAIN_PATH.test(socket) ? { kind: 'theirs', socket } : { kind: 'nobody' };
  if (master !== 'false' && master !== 'no') return { kind: 'nobody' };
  return { kind: 'ours', isBatch: said('batchmode') === 'yes' || said('batchmode') === 'true' };
}
