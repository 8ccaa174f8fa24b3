/** Somebody who has logged in, as the rest of the server sees them. */
export interface Principal {
  readonly user: string;
  /** 0 to 15, as on Cisco devices: 15 may do everything. */
  readonly privilege: number;
  readonly groups: readonly string[];
  /** What let them in: `local`, `group tacacs+`, `none`. */
  readonly method: string;
}

/** The privilege of whoever logs in by a method that tells none: what Cisco IOS gives. */
export const LEAST_PRIVILEGE = 1;

/** The highest privilege. */
export const MOST_PRIVILEGE = 15;

/** Whether a value is a privilege level: an integer from 0 to 15. */
export function isPrivilege(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_PRIVILEGE;
}

/** Whether a value has the shape of a Principal: methods may be anybody's code, or read what a server sent. */
export function isPrincipal(value: unknown): value is Principal {
  if (typeof value !== 'object' || value === null) return false;
  const { user, privilege, groups, method } = value as Partial<Record<keyof Principal, unknown>>;
  return (
    typeof user === 'string' &&
    user !== '' &&
    isPrivilege(privilege) &&
    Array.isArray(groups) &&
    groups.every((group) => typeof group === 'string') &&
    typeof method === 'string'
  );
}
