import { type FileOperation, fileOperations } from '../base/file-operation.ts';
import { checkName } from './names.ts';
import { PathPattern, splitPath } from './path-pattern.ts';
import { isPrivilege, MOST_PRIVILEGE, type Principal } from './principal.ts';

/** One line of a list of rights, as plain data. Every condition that is given has to hold. */
export interface RightsRule {
  /** Names of users, any of them. Default: everybody. */
  readonly users?: readonly string[] | undefined;
  /** Names of groups, any of which the user is in. */
  readonly groups?: readonly string[] | undefined;
  /** The least privilege, 0 to 15. */
  readonly minPrivilege?: number | undefined;
  /** Patterns over paths (see PathPattern), any of them. Default: `/`, which is every path. */
  readonly paths?: readonly string[] | undefined;
  /** What is allowed there; everything else is refused there. An empty list refuses everything. */
  readonly allow: readonly FileOperation[];
}

/** What one user may do. */
export interface Rights {
  /** Whether the user may do this to a path: absolute, as users see it, without `.` and `..`. Any other path is refused. */
  may(operation: FileOperation, path: string): boolean;
  /** Whether there is any path that the user may do one of these to: where not, a command need not begin. */
  mayAnywhere(...operations: readonly FileOperation[]): boolean;
}

/** More rules are a mistake. */
export const MAX_RULES = 1000;

interface PreparedRule {
  readonly users: ReadonlySet<string> | undefined;
  readonly groups: readonly string[] | undefined;
  readonly minPrivilege: number;
  readonly paths: readonly PathPattern[];
  readonly allow: ReadonlySet<FileOperation>;
}

/** What is allowed where there are no rules, by privilege: 15 everything, 1 to 14 looking and fetching, 0 nothing. */
export function defaultOperations(privilege: number): readonly FileOperation[] {
  if (privilege >= MOST_PRIVILEGE) return fileOperations;
  return privilege > 0 ? ['list', 'read'] : [];
}

/** A list of rules: the first that fits user and path decides, and where none fits the answer is no. */
export class RightsList {
  readonly #rules: readonly PreparedRule[] | undefined;

  /**
   * @param rules undefined where there are none at all: then the privilege alone decides, see {@link defaultOperations}
   * @throws {RangeError} {TypeError} for a rule that makes no sense; the text begins with its place: `rule 3: …`
   */
  constructor(rules?: readonly RightsRule[]) {
    if (rules !== undefined && rules.length > MAX_RULES) throw new RangeError(`more than ${MAX_RULES} rules`);
    this.#rules = rules?.map((rule, index) => prepare(rule, `rule ${index + 1}`));
  }

  /** What somebody may do. Rules that are about others are left out at once. */
  of(principal: Principal): Rights {
    const { user, groups, privilege } = principal;
    if (this.#rules === undefined) return rightsEverywhere(new Set(defaultOperations(privilege)));
    const own = this.#rules.filter(
      (rule) =>
        (rule.users?.has(user) ?? true) &&
        (rule.groups?.some((group) => groups.includes(group)) ?? true) &&
        privilege >= rule.minPrivilege,
    );
    const deciding = (path: string): PreparedRule | undefined => {
      const components = splitPath(path);
      if (components === undefined) return undefined;
      return own.find((rule) => rule.paths.some((pattern) => pattern.matches(components)));
    };
    // Several operations are asked about for one path.
    let last: { readonly path: string; readonly rule: PreparedRule | undefined } | undefined;
    return {
      may: (operation, path) => {
        if (last?.path !== path) last = { path, rule: deciding(path) };
        return last.rule?.allow.has(operation) ?? false;
      },
      mayAnywhere: (...operations) => operations.some((operation) => own.some((rule) => rule.allow.has(operation))),
    };
  }
}

function rightsEverywhere(allowed: ReadonlySet<FileOperation>): Rights {
  return {
    may: (operation, path) => allowed.has(operation) && splitPath(path) !== undefined,
    mayAnywhere: (...operations) => operations.some((operation) => allowed.has(operation)),
  };
}

/** The rights of somebody who may do nothing. */
export const noRights: Rights = rightsEverywhere(new Set());

function prepare(rule: RightsRule, place: string): PreparedRule {
  const { users, groups, minPrivilege = 0, paths = ['/'], allow } = rule;
  if (!isPrivilege(minPrivilege)) throw new RangeError(`${place}: privilege ${String(minPrivilege)} is not 0 to 15`);
  for (const list of [users, groups, paths])
    if (list?.length === 0) throw new RangeError(`${place}: an empty list fits nobody; leave it out to fit everybody`);
  for (const name of users ?? []) checkName(name, 'user');
  for (const name of groups ?? []) checkName(name, 'group');
  for (const operation of allow) {
    if (!fileOperations.includes(operation))
      throw new RangeError(`${place}: ${JSON.stringify(operation)} is not one of ${fileOperations.join(', ')}`);
  }
  try {
    return {
      users: users === undefined ? undefined : new Set(users),
      groups,
      minPrivilege,
      paths: paths.map((path) => new PathPattern(path)),
      allow: new Set(allow),
    };
  } catch (error) {
    throw new RangeError(`${place}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
