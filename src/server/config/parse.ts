import { checkTree, type Places } from './check.ts';
import type { ServeConfig } from './config.ts';
import { ConfigError, type Place, Problems } from './problems.ts';
import { checkRules } from './rules.ts';
import { configType } from './schema.ts';
import { readYaml } from './yaml-tree.ts';

/** A configuration, and where its keys stand, for what is found out later. */
export interface ParsedConfig {
  readonly file: string;
  readonly value: ServeConfig;
  readonly places: Places;
}

/**
 * Reads the text of a configuration file. Pure.
 *
 * @param file its name, for messages
 * @throws {ConfigError} with all that is wrong, up to 50 problems
 */
export function parseConfig(text: string, file: string): ParsedConfig {
  const problems = new Problems(file);
  const node = readYaml(text, problems);
  if (node === undefined || problems.count > 0) throw new ConfigError(problems.list());
  const { value, places } = checkTree(node, configType, problems);
  // Further rules speak of values, which are complete only where nothing was wrong so far.
  if (problems.count === 0) checkRules(value, (key, message) => problems.add(key, placeOf(places, key), message));
  if (problems.count > 0) throw new ConfigError(problems.list());
  return { file, value, places };
}

/** Reports a problem of a key by its path. */
export type ReportProblem = (key: string, message: string) => void;

/** Where a key stands, or the nearest one above it that is there. */
export function placeOf(places: Places, key: string): Place {
  for (let path = key; path !== ''; path = path.replace(/(?:^|\.)[^.[]*$|\[\d+\]$/, '')) {
    const place = places.get(path);
    if (place !== undefined) return place;
  }
  return places.get('') ?? { line: 1, column: 1 };
}
