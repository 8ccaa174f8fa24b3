import type { ServeConfig } from './config.ts';
import type { ReportProblem } from './parse.ts';

/** What a configuration can say already and this version does not do. Taken silently, it would be a promise that is not kept. */
export function checkNotYet(config: ServeConfig, report: ReportProblem): void {
  const text = 'is not available yet';
  const refuse = (isUsed: boolean, key: string): void => {
    if (isUsed) report(key, text);
  };
  if (config.roots.length > 1) report('roots[1]', 'several roots are not available yet');
  for (const [index, root] of config.roots.entries()) {
    const key = `roots[${index}]`;
    refuse(root.mode !== 'read-write', `${key}.mode`);
    refuse(root.prefix !== undefined, `${key}.prefix`);
    refuse(root.quota !== undefined, `${key}.quota`);
    refuse(root.keepFree !== undefined, `${key}.keep-free`);
  }
  for (const [index, user] of config.users.entries()) {
    const key = `users[${index}]`;
    refuse(user.roots.length > 0, `${key}.roots`);
    refuse(user.home !== undefined, `${key}.home`);
  }
}
