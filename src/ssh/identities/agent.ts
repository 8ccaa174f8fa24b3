import { printable } from '../../base/printable.ts';
import { loadSsh2 } from '../builtin/ssh2.ts';
import { blobType } from '../known-hosts/fingerprint.ts';
import type { Identity, IdentityContext } from './identity.ts';

/** More keys than any server would let us try. */
export const MAX_AGENT_KEYS = 256;

/** What ssh2 makes of an agent's key. */
interface ParsedKey {
  readonly comment?: string;
  getPublicSSH(): Buffer;
}

/** The keys of an agent, in its order. An agent that does not answer has none; the log says so. */
export async function agentIdentities(socket: string, context: IdentityContext): Promise<Identity[]> {
  const { createAgent } = await loadSsh2();
  const agent = createAgent(socket);
  let keys: readonly ParsedKey[];
  try {
    keys = await new Promise((resolve, reject) => {
      agent.getIdentities((error, found) => {
        if (error) reject(error);
        else resolve((found ?? []) as unknown as ParsedKey[]);
      });
    });
  } catch (error) {
    const reason = error instanceof Error ? printable(error.message) : 'no answer';
    context.log.debug(1, `agent ${printable(socket)}: ${reason}`);
    return [];
  }
  return keys.slice(0, MAX_AGENT_KEYS).flatMap((key): Identity[] => {
    const publicBlob = key.getPublicSSH();
    const type = blobType(publicBlob);
    if (type === undefined) return [];
    return [
      {
        label: `agent key ${printable(key.comment ?? '')}`.trim(),
        type,
        publicBlob,
        sign: (data, hash) =>
          new Promise((resolve, reject) => {
            const options = hash === undefined ? {} : { hash: hash as 'sha256' | 'sha512' };
            agent.sign(key as never, data, options, (error, signature) => {
              if (signature) resolve(signature);
              else reject(error ?? new Error('the agent did not sign'));
            });
          }),
      },
    ];
  });
}
