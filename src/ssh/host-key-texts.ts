import { printable } from '../base/printable.ts';
import { keyTypeLabel } from './known-hosts/fingerprint.ts';
import { knownHostsName } from './known-hosts/match.ts';
import type { KnownHost } from './known-hosts/parse.ts';

/** What a person is asked about a host that is not in known_hosts. */
export function unknownKeyQuestion(host: string, port: number, type: string, print: string): string {
  return [
    `The host ${printable(knownHostsName(host, port))} is not known yet. It shows this ${keyTypeLabel(type)} key:`,
    `  ${print}`,
    'Compare it with what the administrator of the host says. Go on connecting (yes/no/[fingerprint])? ',
  ].join('\n');
}

/** The warning before a connection is refused because the key is not the known one. */
export function changedKeyWarning(
  host: string,
  type: string,
  print: string,
  known: KnownHost,
  sameType: boolean,
): string {
  const rule = '*'.repeat(68);
  return [
    rule,
    `DANGER: ${printable(host)} DOES NOT SHOW THE KEY IT IS KNOWN BY`,
    rule,
    sameType
      ? `The ${keyTypeLabel(type)} key of this host is another one than before.`
      : `The host is known by its ${keyTypeLabel(printable(known.type))} key and now shows only a key of type ${keyTypeLabel(type)}.`,
    'Either the host was set up anew, or somebody between you and the host',
    'is trying to read what you send. The connection is refused.',
    `  shown now:  ${print}`,
    `  known key:  ${printable(known.file)}:${known.line}`,
  ].join('\n');
}
