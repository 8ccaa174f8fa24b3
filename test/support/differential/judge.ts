import type { Named } from './case.ts';
import { compareSnapshots, type Snapshot } from './snapshot.ts';

/** What one run of a program did. */
export interface Result {
  /** null where it had to be killed. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tree: Snapshot;
}

/** What is on standard error without the program's own name, which differs, and OpenSSH's CR LF, which is one of our differences. */
export function messagesOf(stderr: string): string[] {
  return stderr
    .split('\n')
    .map((line) => line.replace(/\r$/, '').replace(/^(?:\S*\/)?(?:scp|sealift): /, ''))
    .filter((line) => line !== '');
}

/** Both lists without the lines that they share. The order does not count: two processes write to one standard error. */
function withoutShared(one: readonly string[], two: readonly string[]): [string[], string[]] {
  const rest = [...two];
  const left = one.filter((line) => {
    const at = rest.indexOf(line);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
  return [left, rest];
}

/** Whether a text fits a pattern in which `*` stands for anything. */
function fits(text: string, pattern: string): boolean {
  const expression = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${expression.join('[^]*')}$`).test(text);
}

interface Finding {
  /** For a person who reads a failure. */
  readonly text: string;
  readonly isNamedBy: (line: string) => boolean;
}

function plain(text: string): Finding {
  return { text, isNamedBy: (line) => fits(text, line) };
}

function messageFinding(reference: readonly string[], ours: readonly string[]): Finding {
  const scp = reference.join('\n');
  const we = ours.join('\n');
  const mentions = (text: string, what: string) => fits(text, `*${what}*`);
  return {
    text: `messages:\n      scp says ${JSON.stringify(scp)}\n      we say   ${JSON.stringify(we)}`,
    isNamedBy: (line) => {
      if (line.startsWith('only we say ')) return scp === '' && mentions(we, line.slice('only we say '.length));
      if (line.startsWith('only scp says ')) return we === '' && mentions(scp, line.slice('only scp says '.length));
      if (!line.startsWith('message about ')) return false;
      const what = line.slice('message about '.length);
      return scp !== '' && we !== '' && mentions(scp, what) && mentions(we, what);
    },
  };
}

function findingsOf(reference: Result, ours: Result): Finding[] {
  const findings: Finding[] = [];
  if (reference.status !== ours.status) findings.push(plain(`status: ${reference.status} -> ${ours.status}`));
  if (reference.stdout !== ours.stdout) {
    findings.push(plain(`stdout: ${JSON.stringify(reference.stdout)} -> ${JSON.stringify(ours.stdout)}`));
  }
  const [scp, we] = withoutShared(messagesOf(reference.stderr), messagesOf(ours.stderr));
  if (scp.length + we.length > 0) findings.push(messageFinding(scp, we));
  return [...findings, ...compareSnapshots(reference.tree, ours.tree).map(plain)];
}

/**
 * Compares two runs.
 *
 * @returns what is wrong: differences that nobody named, and named ones that did not occur. Empty where all is well.
 */
export function judge(reference: Result, ours: Result, named: readonly Named[]): string[] {
  const findings = findingsOf(reference, ours);
  const wrong: string[] = [];
  const lines = named.flatMap(({ id, lines: own }) => own.map((line) => ({ id, line })));
  for (const finding of findings) {
    if (!lines.some(({ line }) => finding.isNamedBy(line))) wrong.push(finding.text);
  }
  for (const { id, line } of lines) {
    if (!findings.some((finding) => finding.isNamedBy(line))) {
      wrong.push(`the difference ${id} no longer occurs: ${line}`);
    }
  }
  return wrong;
}
