import { fileURLToPath } from 'node:url';
import { parseLocation } from '../copy/location.ts';
import { type CopyRun, startCopy } from './copy-run.ts';
import type { Copy, CopyOptions } from './copy-types.ts';
import { Host, keeperOf, type OneOrMore } from './host.ts';
import type { HostOptions } from './host-options.ts';
import { localPath, remotePath } from './paths.ts';
import { RemoteKeeper } from './remote.ts';
import { between, download, upload } from './routes.ts';
import { sameOptions } from './same-options.ts';

/** A path of a host: of one that is connected already, or of one to connect to. */
export type RemotePlace = { readonly host: Host; readonly path: string } | (HostOptions & { readonly path: string });

/**
 * Where something is copied from or to. Text is read as scp reads its operands: `host:path`, `user@host:path`, `scp://user@host:port/path`, or a path of this machine (`./a:b` where there is a colon in it). An object leaves no doubt: a path
 * without a host is one of this machine.
 */
export type Place = string | URL | { readonly path: string; readonly host?: undefined } | RemotePlace;

/** How {@link copy} copies and connects. */
export interface PlaceCopyOptions extends CopyOptions {
  /** How to connect to hosts; what a place says itself comes first. Credentials in it are offered to each host of the copy: with two hosts, give them to the place that they belong to. */
  readonly connection?: Omit<HostOptions, 'host' | 'signal'> | undefined;
}

interface Resolved {
  readonly path: string;
  /** Absent for this machine. */
  readonly keeper: RemoteKeeper | undefined;
  /** The connection was made for this copy alone. */
  readonly isOwn: boolean;
}

/**
 * Copies between this machine and a host, or between two hosts through this machine, and closes the connections that it has made. For more than one copy to the same host, {@link connect} and use {@link Host.upload} and
 * {@link Host.download}.
 *
 * @example
 * await copy('report.pdf', 'depot.example:inbox/');
 * await copy('scp://alice@one.example:2222/data', 'two.example:backup/', { recursive: true, retries: 3 });
 * await copy({ host: '10.0.0.1', user: 'admin', password, path: 'flash:config' }, 'config.txt');
 *
 * @param source a list must be of one host, or of this machine
 * @throws {TypeError} where no side is a host, or sources are of several
 * @throws {OperandError} for text that cannot be read as a place
 * @throws {CopyError} some entries could not be copied; see {@link CopyOptions.onError}
 */
export function copy(source: OneOrMore<Place>, target: Place, options: PlaceCopyOptions = {}): Copy {
  return startCopy(options, async (run) => {
    const isList = Array.isArray(source);
    const sources = (isList ? (source as readonly Place[]) : [source as Place]).map((place) => resolve(place, options));
    const [from] = sources;
    const aim = resolve(target, options);
    const to = from !== undefined && isSamePlace(aim, from) ? { ...aim, keeper: from.keeper } : aim;
    if (from === undefined) return;
    if (sources.some((other) => !isSamePlace(other, from)))
      throw new TypeError('all sources of one copy must be on the same host with the same options, or on this machine');
    try {
      await copyResolved(run, { from: from.keeper, to, paths: sources.map(({ path }) => path), isList, options });
    } finally {
      for (const { keeper, isOwn } of [from, to]) if (isOwn) await keeper?.close();
    }
  });
}

interface ResolvedCopy {
  readonly from: RemoteKeeper | undefined;
  readonly to: Resolved;
  readonly paths: readonly string[];
  readonly isList: boolean;
  readonly options: PlaceCopyOptions;
}

async function copyResolved(run: CopyRun, { from, to, paths, isList, options }: ResolvedCopy): Promise<void> {
  const target = to.keeper === undefined ? localPath(to.path) : remotePath(to.path);
  const sources = paths.map((path) => (from === undefined ? localPath(path) : remotePath(path, options)));
  const task = { sources, target, isList };
  const keepers = [from, to.keeper].filter((keeper) => keeper !== undefined);
  if (keepers.length === 0)
    throw new TypeError('one side of a copy must be a host; cp of node:fs copies on this machine');
  await run.step(keepers, async ([first, second]) => {
    if (first === undefined) return;
    if (second !== undefined) await between(run, first, second, task);
    else if (from === undefined) await upload(run, first, task);
    else await download(run, first, task);
  });
}

function resolve(place: Place, { connection }: PlaceCopyOptions): Resolved {
  const local = (path: string): Resolved => ({ path, keeper: undefined, isOwn: false });
  if (place instanceof URL) return local(fileURLToPath(place));
  if (typeof place === 'string') {
    const location = parseLocation(place);
    if (location.kind === 'local') return local(location.path);
    const { host, user, port, path } = location;
    return remote({ ...connection, host, ...(user && { user }), ...(port && { port }) }, path);
  }
  if (place.host === undefined) return local(place.path);
  if (place.host instanceof Host) return { path: place.path, keeper: keeperOf(place.host), isOwn: false };
  const { path, ...own } = place as HostOptions & { readonly path: string };
  return remote({ ...connection, ...own }, path);
}

function remote(options: HostOptions, path: string): Resolved {
  return { path, keeper: new RemoteKeeper(options), isOwn: true };
}

/** Whether two places are on this machine, or on one host that may be reached over one connection for both: pins and credentials that were given for a place hold for it. */
function isSamePlace(one: Resolved, other: Resolved): boolean {
  if (one.keeper === undefined || other.keeper === undefined || !one.isOwn || !other.isOwn)
    return one.keeper === other.keeper;
  return sameOptions(one.keeper.options, other.keeper.options);
}
