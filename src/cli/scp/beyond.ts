import type { EntryRule } from '../../copy/entry-rules.ts';
import { UsageError } from '../getopt.ts';

/** The long options for what scp cannot do, and how each takes its value. */
export const BEYOND = {
  resume: 'flag',
  retry: 'value',
  verify: 'optional',
  keys: 'value',
  nvram: 'value',
  product: 'value',
  atomic: 'flag',
  parallel: 'value',
  mkdir: 'flag',
  include: 'value',
  exclude: 'value',
  update: 'flag',
  'dry-run': 'flag',
  links: 'flag',
} as const;

/** What the long options ask for beyond scp. */
export interface BeyondOptions {
  /** Go on where an earlier copy broke off. */
  resume: boolean;
  /** How often a lost connection is made again. */
  retries: number;
  /** Compare each copy with its source. */
  verify: boolean;
  /** Only signed images land. */
  signature: boolean;
  /** The key storage whose keys vouch for them. */
  keys: string | undefined;
  /** Where that storage keeps its counters, if not in it. */
  nvram: string | undefined;
  /** The product that they must be for. */
  product: string | undefined;
  /** Uploads appear under their names when they are whole. */
  atomic: boolean;
  /** Files under way at the same time; undefined leaves it to the program. */
  parallel: number | undefined;
  /** Make missing directories on the way to the target. */
  mkdir: boolean;
  rules: EntryRule[];
  update: boolean;
  dryRun: boolean;
  /** Copy links as links. */
  links: boolean;
}

/** More would only wait in queues. */
const MAX_PARALLEL = 1024;
const MAX_RETRIES = 1000;

export function noBeyondOptions(): BeyondOptions {
  return {
    resume: false,
    retries: 0,
    verify: false,
    signature: false,
    keys: undefined,
    nvram: undefined,
    product: undefined,
    atomic: false,
    parallel: undefined,
    mkdir: false,
    rules: [],
    update: false,
    dryRun: false,
    links: false,
  };
}

/**
 * Takes one option of {@link BEYOND}, or `j`.
 *
 * @returns false where it is none of them.
 * @throws {UsageError} for a value that cannot be.
 */
export function applyBeyondOption(name: string, value: string, result: BeyondOptions): boolean {
  switch (name) {
    case 'verify':
      result[verification(value)] = true;
      return true;
    case 'keys':
    case 'nvram':
    case 'product':
      if (value === '') throw new UsageError(`--${name}: a ${name === 'product' ? 'name' : 'path'} must follow`);
      result[name] = value;
      return true;
    case 'resume':
    case 'atomic':
    case 'mkdir':
    case 'update':
    case 'links':
      result[name] = true;
      return true;
    case 'dry-run':
      result.dryRun = true;
      return true;
    case 'retry':
      result.retries = wholeNumber('--retry', value, 0, MAX_RETRIES);
      return true;
    case 'j':
    case 'parallel':
      result.parallel = wholeNumber(name === 'j' ? '-j' : '--parallel', value, 1, MAX_PARALLEL);
      return true;
    case 'include':
    case 'exclude':
      if (value.replaceAll('/', '') === '') throw new UsageError(`--${name}: a pattern must follow`);
      result.rules.push({ action: name, pattern: value });
      return true;
    default:
      return false;
  }
}

function verification(value: string): 'verify' | 'signature' {
  if (value === '' || value === 'sha256') return 'verify';
  if (value === 'signature') return 'signature';
  throw new UsageError(`--verify=${value}: must be sha256 (what it is without a value) or signature`);
}

/** What of these options is missing, or means nothing without others; undefined where they are right. */
export function signatureProblem({ signature, keys, nvram, product }: BeyondOptions): string | undefined {
  if (signature && keys === undefined)
    return '--verify=signature needs --keys STORE: the key storage whose keys vouch for images';
  const [alone] = Object.entries({ keys, nvram, product }).find(([, value]) => value !== undefined) ?? [];
  return signature || alone === undefined ? undefined : `--${alone} means something only with --verify=signature`;
}

function wholeNumber(option: string, value: string, least: number, most: number): number {
  const number = /^[0-9]{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= least && number <= most)) throw new UsageError(`${option} ${value}: must be ${least} to ${most}`);
  return number;
}

/** The options in use that only the SFTP protocol can fulfil. */
export function sftpOnly(beyond: BeyondOptions): string[] {
  const used: readonly (readonly [string, boolean])[] = [
    ['--resume', beyond.resume],
    ['--verify', beyond.verify],
    ['--atomic', beyond.atomic],
    ['--mkdir', beyond.mkdir],
    ['--include', beyond.rules.some((rule) => rule.action === 'include')],
    ['--exclude', beyond.rules.some((rule) => rule.action === 'exclude')],
    ['--update', beyond.update],
    ['--dry-run', beyond.dryRun],
    ['--links', beyond.links],
  ];
  return used.filter(([, isUsed]) => isUsed).map(([name]) => name);
}
