import type { BaseAgent } from 'ssh2';
import type { Log } from '../../base/log.ts';
import { printable } from '../../base/printable.ts';
import type { Prompter } from '../connection.ts';
import type { Identity } from '../identities/identity.ts';

type Ssh2 = typeof import('ssh2');

/**
 * Shows one identity to ssh2 as an agent with one key. ssh2 asks the server about the key first and has an agent sign only
 * then, and an agent may take its time: so nobody types a passphrase for a key that the server refuses.
 */
export function identityAgent(
  ssh2: Ssh2,
  identity: Identity,
  context: { readonly prompter: Prompter; readonly log: Log },
): BaseAgent {
  class IdentityAgent extends ssh2.BaseAgent<Buffer> {
    override getIdentities(callback: (error?: Error | undefined, keys?: Buffer[]) => void): void {
      callback(undefined, [identity.publicBlob]);
    }

    override sign(_key: unknown, data: Buffer, ...rest: unknown[]): void {
      const callback = rest.at(-1) as (error?: Error, signature?: Buffer) => void;
      const { hash } = (rest.length > 1 ? rest[0] : {}) as { hash?: string };
      if (identity.type === 'ssh-rsa' && hash !== 'sha256' && hash !== 'sha512') {
        context.prompter.tell(
          `${identity.label}: the server takes RSA keys with SHA-1 only, which is not safe; key not used`,
        );
        callback(new Error('SHA-1 signature refused'));
        return;
      }
      identity.sign(data, hash).then(
        (signature) => {
          try {
            callback(undefined, signature);
          } catch (error) {
            callback(error instanceof Error ? error : new Error('the signature cannot be sent'));
          }
        },
        (error: unknown) => {
          const reason = printable(error instanceof Error ? error.message : String(error));
          context.prompter.tell(`key not used: ${reason}`);
          callback(new Error(reason));
        },
      );
    }
  }
  return new IdentityAgent();
}
