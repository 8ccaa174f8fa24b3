import { readFileSync } from 'node:fs';
import { decodeName } from '../base/byte-name.ts';

/**
 * The arguments without loss. Node decodes the command line as UTF-8 and puts U+FFFD for what is not; Linux still has the bytes, from which such names are taken
 * (see base/byte-name.ts).
 */
export function rawArguments(args: readonly string[]): readonly string[] {
  if (!args.some((arg) => arg.includes('\ufffd'))) return args;
  try {
    const all = splitAtNul(readFileSync('/proc/self/cmdline'));
    const own = all.slice(all.length - args.length).map(decodeName);
    const same = own.length === args.length && own.every((arg, i) => toNodeForm(arg) === toNodeForm(args[i] ?? ''));
    return same ? own : args;
  } catch {
    return args;
  }
}

function splitAtNul(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at);
    parts.push(bytes.subarray(at, end < 0 ? bytes.length : end));
    at = (end < 0 ? bytes.length : end) + 1;
  }
  return parts;
}

/** The argument as Node would have decoded it, with each run of lost bytes as one mark: decoders differ in how many marks they put. */
function toNodeForm(arg: string): string {
  return arg.replace(/[\udc80-\udcff\ufffd]+/g, '\ufffd');
}
