import type { KeyboardInteractiveCallback, Prompt } from 'ssh2';
import { ConnectionError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { AuthenticationContext } from './authenticator.ts';
import { shownLine, shownText } from './prompts.ts';

/** How many questions one request may hold, and how many requests one connection may bring. */
export const MAX_PROMPTS = 16;
export const MAX_ROUNDS = 20;

/** Answers the questions of a server (RFC 4256). */
export interface KeyboardInteractive {
  readonly prompt: (
    name: string,
    instructions: string,
    language: string,
    prompts: Prompt[],
    finish: KeyboardInteractiveCallback,
  ) => void;
}

/**
 * Makes the answering side. Every text of the server is made printable and every question is labelled with user and host,
 * so that a server cannot pass its questions off as somebody else's. A handed-in password answers the first hidden
 * question that stands alone.
 */
export function keyboardInteractive(
  context: Pick<AuthenticationContext, 'config' | 'credentials' | 'prompter' | 'interactive' | 'signal' | 'fail'>,
): KeyboardInteractive {
  const { config, credentials, prompter } = context;
  const label = `(${printable(config.user)}@${printable(config.alias)}) `;
  let rounds = 0;
  let passwordUsed = false;

  const refuse = (reason: string): void =>
    context.fail(new ConnectionError(printable(config.alias), 'authentication', reason, { code: 'ERR_LIMIT' }));

  const answer = async (name: string, instructions: string, prompts: readonly Prompt[]): Promise<string[]> => {
    const [first] = prompts;
    if (credentials?.password !== undefined && prompts.length === 1 && first && !first.echo && !passwordUsed) {
      passwordUsed = true;
      return [credentials.password];
    }
    if (!context.interactive) return prompts.map(() => '');
    const heading = [name, instructions].map(shownText).filter((text) => text !== '');
    if (heading.length > 0)
      prompter.tell(
        heading
          .flatMap((text) => text.split('\n'))
          .map((line) => label + line)
          .join('\n'),
      );
    const answers: string[] = [];
    for (const { prompt, echo } of prompts) {
      const options = {
        echo: echo === true,
        kind: echo ? ('text' as const) : ('secret' as const),
        ...(context.signal && { signal: context.signal }),
      };
      const text = await prompter.ask(label + shownLine(prompt), options);
      if (text === undefined) {
        throw new ConnectionError(
          printable(config.alias),
          'authentication',
          'a question of the server was not answered',
          {
            code: 'ERR_AUTHENTICATION',
          },
        );
      }
      answers.push(text);
    }
    return answers;
  };

  return {
    prompt(name, instructions, _language, prompts, finish) {
      if (++rounds > MAX_ROUNDS) return refuse('the server does not stop asking questions');
      if (prompts.length > MAX_PROMPTS) return refuse('the server asks too many questions at once');
      answer(name, instructions, prompts)
        .then((answers) => finish(answers))
        .catch(context.fail);
    },
  };
}
