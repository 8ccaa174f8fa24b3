import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A piece of code in a text, and where it stands. */
export interface Snippet {
  readonly where: string;
  readonly code: string;
}

/** The code blocks of a guide in a language. */
export function snippetsOfGuide(path: string, language: string): Snippet[] {
  const text = readFileSync(path, 'utf8');
  const blocks = text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'));
  return [...blocks].map((block) => ({ where: `${path}:${lineAt(text, block.index)}`, code: block[1] ?? '' }));
}

/** The `@example` blocks in the doc comments of a folder. */
export function snippetsOfComments(folder: string): Snippet[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts'));
  return files.flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const blocks = text.matchAll(/^ *\* @example\n(.*?)(?=^ *\* @|^ *\*\/$)/gms);
    return [...blocks].map((block) => {
      const code = (block[1] ?? '').replace(/^ *\* ?/gm, '');
      return { where: `${join(folder, name)}:${lineAt(text, block.index)}`, code };
    });
  });
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}
