import { execFile } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import type { Prompter } from '../../ssh/connection.ts';

const MAX_ANSWER_CHARACTERS = 4096;

/** How long a question waits for the abort that Ctrl-C brings. Milliseconds. */
const INTERRUPT_MS = 250;

type Kind = 'secret' | 'text' | 'confirm';

/**
 * Asks on the controlling terminal, whatever standard input is used for, or through the program that SSH_ASKPASS names: where there is no terminal but a display,
 * or always with SSH_ASKPASS_REQUIRE=force (prefer: where it can), never with SSH_ASKPASS_REQUIRE=never.
 */
export function createPrompter(environment: NodeJS.ProcessEnv): Prompter {
  return {
    async ask(question, { echo, kind, signal }) {
      const askpass = environment['SSH_ASKPASS'];
      const require = environment['SSH_ASKPASS_REQUIRE'] ?? '';
      const hasDisplay = Boolean(environment['DISPLAY'] || environment['WAYLAND_DISPLAY']);
      if (askpass && (require === 'force' || (require === 'prefer' && hasDisplay))) {
        return await askProgram(askpass, question, kind, environment, signal);
      }
      const terminal = openTerminal();
      if (terminal !== undefined) return await askTerminal(terminal, question, echo, signal);
      if (askpass && hasDisplay && require !== 'never')
        return await askProgram(askpass, question, kind, environment, signal);
      return undefined;
    },
    tell(lines) {
      process.stderr.write(lines.endsWith('\n') ? lines : `${lines}\n`);
    },
  };
}

/** Whether `ssh` could ask somebody: on the controlling terminal, or in a window. */
export function canAsk(environment: NodeJS.ProcessEnv): boolean {
  if (environment['SSH_ASKPASS_REQUIRE'] === 'force') return true;
  const terminal = openTerminal();
  if (terminal === undefined) {
    const hasDisplay = Boolean(environment['DISPLAY'] || environment['WAYLAND_DISPLAY']);
    return hasDisplay && environment['SSH_ASKPASS_REQUIRE'] !== 'never';
  }
  closeSync(terminal);
  return true;
}

function openTerminal(): number | undefined {
  try {
    return openSync('/dev/tty', 'r+');
  } catch {
    return undefined;
  }
}

/** Runs an askpass program: the question is its argument, its standard output the answer, a status other than 0 a refusal. */
function askProgram(
  program: string,
  question: string,
  kind: Kind,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const env = kind === 'confirm' ? { ...environment, SSH_ASKPASS_PROMPT: 'confirm' } : environment;
  return new Promise((resolve) => {
    execFile(
      program,
      [question],
      { env, maxBuffer: MAX_ANSWER_CHARACTERS * 4, ...(signal ? { signal } : {}) },
      (error, stdout) => {
        const line = stdout.replace(/\r?\n[\s\S]*$/, '');
        if (error) resolve(undefined);
        // A program that only confirms says yes by its exit status.
        else resolve(kind === 'confirm' && line === '' ? 'yes' : line);
      },
    );
  });
}

/** Reads one line in raw mode, so that nothing is echoed but what should be. Ctrl-C acts as it does everywhere. */
function askTerminal(
  fd: number,
  question: string,
  echo: boolean,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const input = new ReadStream(fd);
  const output = openSync('/dev/tty', 'w');
  const show = (text: string) => writeTerminal(output, text);
  return new Promise((resolve) => {
    const editor = new LineEditor(echo ? show : () => {});
    const done = (answer: string | undefined) => {
      signal?.removeEventListener('abort', onAbort);
      input.setRawMode(false);
      input.destroy();
      show('\r\n');
      closeSync(output);
      resolve(answer);
    };
    const onAbort = () => {
      if (!input.destroyed) done(undefined);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    input.setRawMode(true);
    show(question);
    input.on('error', () => done(undefined));
    input.on('data', (bytes: Buffer) => {
      const event = editor.type(bytes.toString('utf8'));
      if (event === 'enter') done(editor.text);
      else if (event === 'end') done(undefined);
      else if (event === 'interrupt') {
        // The signal's handler aborts the work, which closes the question with the right reason.
        process.kill(process.pid, 'SIGINT');
        setTimeout(onAbort, INTERRUPT_MS);
      }
    });
  });
}

function writeTerminal(fd: number, text: string): void {
  // The terminal may be gone; the answer is what counts.
  try {
    writeSync(fd, text);
  } catch {}
}

/** What a person types, with the few keys that matter for an answer. */
export class LineEditor {
  readonly #show: (text: string) => void;
  #characters: string[] = [];

  constructor(show: (text: string) => void) {
    this.#show = show;
  }

  get text(): string {
    return this.#characters.join('');
  }

  type(text: string): 'enter' | 'end' | 'interrupt' | undefined {
    for (const character of text) {
      if (character === '\r' || character === '\n') return 'enter';
      if (character === '\u0003') return 'interrupt';
      if (character === '\u0004' && this.#characters.length === 0) return 'end';
      if (character === '\u007f' || character === '\b') this.#erase(1);
      else if (character === '\u0015') this.#erase(this.#characters.length);
      else if (character >= ' ' && this.#characters.length < MAX_ANSWER_CHARACTERS) {
        this.#characters.push(character);
        this.#show(character);
      }
    }
    return undefined;
  }

  #erase(count: number): void {
    for (let i = 0; i < count && this.#characters.length > 0; i++) {
      this.#characters.pop();
      this.#show('\b \b');
    }
  }
}
