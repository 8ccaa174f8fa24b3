import { SealiftError } from '../../base/errors.ts';
import type { ContentCheck } from '../../files/content-check.ts';
import type { SignedContentOptions } from '../../images/signed-content.ts';
import type { PreparedRoot, SignedContent } from '../../server/config/prepare.ts';
import type { RootOptions } from '../../server/roots.ts';
import type { ServerLog } from './log.ts';

/** The roots of a configuration, those that take signed images only with who judges them. A storage that cannot be used is an alarm in the log, and no reason not to serve the rest. */
export async function withChecks(roots: readonly PreparedRoot[], log: ServerLog): Promise<readonly RootOptions[]> {
  return await Promise.all(
    roots.map(async (root) => {
      if (root.accept === undefined) return { ...root, accept: undefined };
      const accept = await checkOf(root.accept, {
        onTrouble: (error) =>
          log.note('error', `root ${root.name}: takes no uploads: ${describe(error)}`, {
            event: 'alarm',
            root: root.name,
          }),
        onProblem: (text) =>
          log.note('warn', `root ${root.name}: its key storage: ${text}`, { event: 'warning', root: root.name }),
        onRecovery: () =>
          log.note('info', `root ${root.name}: takes uploads again`, { event: 'alarm-over', root: root.name }),
      });
      // What is wrong is told now, and not with the first upload.
      await accept.ready().catch(() => {});
      return { ...root, accept };
    }),
  );
}

/** Who judges the content of a root. Most servers take anything: what verifies is loaded where it is needed. */
export async function checkOf(
  { keys, nvram, product, types }: SignedContent,
  told: Pick<SignedContentOptions, 'onTrouble' | 'onRecovery' | 'onProblem'> = {},
): Promise<ContentCheck> {
  const { signedContent } = await import('../../images/signed-content.ts');
  return signedContent({ store: keys, nvram, policy: { product, types }, ...told });
}

function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof SealiftError && error.cure !== undefined ? `${message}; ${error.cure}` : message;
}
