import type { Client } from 'ssh2';
import { ConnectionError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { AuthenticationContext, Authenticator } from './authenticator.ts';
import { shownText } from './prompts.ts';

/** How often a new password may be typed differently the second time. */
const MAX_TRIES = 3;

async function askNewPassword(context: Omit<AuthenticationContext, 'fail'>): Promise<string | undefined> {
  const who = `${printable(context.config.user)}@${printable(context.config.alias)}`;
  const options = { echo: false, kind: 'secret' as const, ...(context.signal && { signal: context.signal }) };
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const first = await context.prompter.ask(`Enter ${who}'s new password: `, options);
    if (first === undefined || first === '') return undefined;
    const second = await context.prompter.ask(`Retype ${who}'s new password: `, options);
    if (second === undefined) return undefined;
    if (first === second) return first;
    context.prompter.tell('The two passwords differ.');
  }
  return undefined;
}

/** Answers a server that wants the password changed (RFC 4252 section 8). Only a person can; a program is refused. */
export function answerPasswordChange(
  client: Client,
  context: Omit<AuthenticationContext, 'fail'>,
  authenticator: Authenticator,
  fail: (error: unknown) => void,
): void {
  client.on('change password', (message, done) => {
    if (message) context.prompter.tell(shownText(message));
    askNewPassword(context)
      .then((changed) => {
        if (changed === undefined) {
          throw new ConnectionError(printable(context.config.alias), 'authentication', 'the password has expired', {
            code: 'ERR_AUTHENTICATION',
            cure: 'log in with ssh once and change the password',
          });
        }
        // ssh2 takes the old password from the options of connect, where it is not, since it was asked for later.
        const inside = client as unknown as { readonly config?: { password?: string | undefined } };
        if (inside.config) inside.config.password = authenticator.password;
        done(changed);
      })
      .catch(fail);
  });
}
