import { isSafeUser, type Location, parseLocation, type RemoteLocation } from '../../copy/location.ts';
import type { ScpOptions } from './options.ts';

/**
 * The host that a run connects to before it does anything else.
 *
 * @returns undefined where there is none, where an operand has to be complained about first, or where a directory here has to be looked at first
 */
export function firstHost({ operands, throughLocal }: ScpOptions): RemoteLocation | undefined {
  const locations: Location[] = [];
  for (const operand of operands) {
    const location = read(operand);
    if (location === undefined) return undefined;
    locations.push(location);
  }
  const [first] = locations;
  const target = locations.at(-1);
  if (target?.kind === 'local') return first?.kind === 'remote' && locations.length === 2 ? first : undefined;
  // With -R the origin is connected to for a command, by rules of its own.
  if (first?.kind === 'remote') return throughLocal === 'remote' ? undefined : first;
  return target;
}

function read(operand: string): Location | undefined {
  try {
    const location = parseLocation(operand);
    const isUsable = location.kind === 'local' || location.user === undefined || isSafeUser(location.user);
    return isUsable ? location : undefined;
  } catch {
    return undefined;
  }
}
