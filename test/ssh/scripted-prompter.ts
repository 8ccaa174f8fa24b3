import type { Prompter } from '../../src/ssh/connection.ts';

/** A person at the terminal: what was asked and told, and prepared answers. */
export interface ScriptedPrompter extends Prompter {
  readonly questions: string[];
  readonly told: string[];
}

/** Answers the questions in turn; undefined, which nobody can be asked, when the answers are used up. */
export function scriptedPrompter(...answers: readonly string[]): ScriptedPrompter {
  const left = [...answers];
  const questions: string[] = [];
  const told: string[] = [];
  return {
    questions,
    told,
    ask(question) {
      questions.push(question);
      return Promise.resolve(left.shift());
    },
    tell(lines) {
      told.push(lines);
    },
  };
}
