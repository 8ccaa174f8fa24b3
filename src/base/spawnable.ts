import { encodeName, hasRawBytes } from './byte-name.ts';

/** A program with its arguments as node:child_process takes them. */
export interface Spawnable {
  readonly program: string;
  readonly args: string[];
}

/**
 * Arguments reach a program byte for byte, also those that are not UTF-8 (see byte-name.ts), for which Node has no way: a shell puts these together and then becomes the program, so that
 * its process number, streams and signals are those of the program.
 */
export function spawnable(program: string, args: readonly string[]): Spawnable {
  if (!args.some(hasRawBytes)) return { program, args: [...args] };
  const lines: string[] = [];
  const words = args.map((arg, index) => {
    if (!hasRawBytes(arg)) return `"\${${index + 1}}"`;
    const name = `raw${index}`;
    // The full stop keeps line feeds at the end, which a substitution would take away.
    lines.push(`${name}=$(printf '${octal(arg)}.'); ${name}=\${${name}%.}`);
    return `"$${name}"`;
  });
  const script = [...lines, `exec "$0" ${words.join(' ')}`].join('; ');
  return { program: '/bin/sh', args: ['-c', script, program, ...args.map((arg) => (hasRawBytes(arg) ? '' : arg))] };
}

/** Every byte as an octal escape of printf(1). */
function octal(arg: string): string {
  return Array.from(encodeName(arg), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
