import { printable, printableLines } from '../../base/printable.ts';
import type { Prompter } from '../connection.ts';
import type { Countdown } from './countdown.ts';

/** How much of one text from a server is shown. */
export const MAX_SERVER_TEXT = 4096;
const MAX_SERVER_LINES = 100;

/** Makes a text of several lines from a server fit to show: bounded and printable, without empty lines at the end. */
export function shownText(text: string): string {
  const lines = printableLines(text.slice(0, MAX_SERVER_TEXT)).trimEnd().split('\n');
  const cut = text.length > MAX_SERVER_TEXT || lines.length > MAX_SERVER_LINES;
  return lines.slice(0, MAX_SERVER_LINES).join('\n') + (cut ? '\n[…]' : '');
}

/** One line of it. */
export function shownLine(text: string): string {
  return printable(text.slice(0, MAX_SERVER_TEXT));
}

/** A prompter whose questions stop the clock. Under BatchMode it asks nothing and only tells. */
export function sessionPrompter(prompter: Prompter | undefined, batchMode: boolean, countdown: Countdown): Prompter {
  return {
    async ask(question, options) {
      if (prompter === undefined || batchMode) return undefined;
      countdown.pause();
      try {
        return await prompter.ask(question, options);
      } finally {
        countdown.resume();
      }
    },
    tell: (lines) => prompter?.tell(lines),
  };
}
