/** What method lists are for, in Cisco's words. */
export type AaaService =
  | 'authentication login'
  | 'authorization exec'
  | 'authorization commands'
  | 'accounting exec'
  | 'accounting commands';

/** An entry of a method list as it is written. */
export type MethodWord = 'local' | 'none' | 'if-authenticated' | `group ${string}`;

/** Method lists by name; `default` is used where no other is named. */
export type NamedMethodLists = Readonly<Record<string, readonly string[]>>;

/** All method lists of a server, as plain data. What is absent has a list of `local` (authentication, accounting), or is not asked for (authorization). */
export interface MethodLists {
  readonly authentication?: { readonly login?: NamedMethodLists | undefined } | undefined;
  readonly authorization?:
    | { readonly exec?: NamedMethodLists | undefined; readonly commands?: NamedMethodLists | undefined }
    | undefined;
  readonly accounting?:
    | { readonly exec?: NamedMethodLists | undefined; readonly commands?: NamedMethodLists | undefined }
    | undefined;
}

/** Longer lists are a mistake. */
export const MAX_METHODS = 8;

/** Which words a list may hold besides `group NAME`. */
const words: Readonly<Record<AaaService, readonly string[]>> = {
  'authentication login': ['local', 'none'],
  'authorization exec': ['local', 'if-authenticated', 'none'],
  'authorization commands': ['local', 'if-authenticated', 'none'],
  'accounting exec': ['local', 'none'],
  'accounting commands': ['local', 'none'],
};

/**
 * Reads a method list.
 *
 * @param groups the names of the server groups that exist
 * @throws {RangeError} for a word that is unknown, given twice or without a group, for a list that is empty or too long, and for anything behind `none`, which always decides. The text begins with the
 * place: `authentication login: …`.
 */
export function readMethodList(
  list: readonly string[],
  service: AaaService,
  groups: ReadonlySet<string>,
): readonly MethodWord[] {
  const fail = (text: string): never => {
    throw new RangeError(`${service}: ${text}`);
  };
  if (list.length === 0) fail('the list is empty (to ask nobody, write none)');
  if (list.length > MAX_METHODS) fail(`more than ${MAX_METHODS} methods`);
  const known = [...words[service], ...Array.from(groups, (group) => `group ${group}`)];
  const seen = new Set<string>();
  for (const [index, raw] of list.entries()) {
    const word = raw.trim().replaceAll(/\s+/g, ' ');
    const group = /^group (.+)$/.exec(word)?.[1];
    if (group !== undefined && !groups.has(group)) fail(`there is no group ${JSON.stringify(group)}`);
    if (!known.includes(word)) fail(`${JSON.stringify(raw)} is not one of ${known.join(', ')}`);
    if (seen.has(word)) fail(`${word} is given twice`);
    if (index < list.length - 1 && (word === 'none' || word === 'if-authenticated'))
      fail(`nothing behind ${word} is ever asked: put it last`);
    seen.add(word);
  }
  return [...seen] as MethodWord[];
}

/** Warns of lists that mean something else than they seem to. */
export function methodListWarnings(list: readonly MethodWord[], service: AaaService): readonly string[] {
  if (service !== 'authentication login' || !list.includes('none')) return [];
  return [
    list.length === 1
      ? `${service}: none lets everybody in without a password`
      : `${service}: none behind ${list.at(-2)} lets in every name that ${list.slice(0, -1).join(' and ')} cannot judge, unknown ones too`,
  ];
}
