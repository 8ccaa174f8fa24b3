import { ConnectionError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { HostConfig } from '../config/host-config.ts';
import type { SshCredentials } from '../connection.ts';
import { agentIdentities } from './agent.ts';
import { fileIdentity, unlockedIdentity } from './file-identity.ts';
import type { Identity, IdentityContext } from './identity.ts';
import { type IdentityFile, readIdentityFile } from './identity-file.ts';
import { parsePrivateKey } from './parse-private-key.ts';

/** What of the configuration decides about identities. */
export type IdentityChoice = Pick<
  HostConfig,
  'identityAgent' | 'identityFiles' | 'identityFilesNamed' | 'identitiesOnly' | 'alias'
>;

/** The keys a program handed in, instead of agent and files. */
async function* fromCredentials(
  credentials: SshCredentials,
  host: string,
  context: IdentityContext,
): AsyncGenerator<Identity, void> {
  for (const [index, { key, passphrase }] of (credentials.privateKeys ?? []).entries()) {
    const result = await parsePrivateKey(key, passphrase);
    if (result.kind === 'key') {
      const { type, publicBlob } = result.key;
      yield { label: `key ${index + 1}`, type, publicBlob, sign: async (data, hash) => result.key.sign(data, hash) };
      continue;
    }
    const reason =
      result.kind === 'unusable'
        ? printable(result.reason)
        : result.kind === 'encrypted'
          ? 'a passphrase is needed'
          : result.kind;
    throw new ConnectionError(printable(host), 'authentication', `private key ${index + 1}: ${reason}`, {
      code: 'ERR_CONFIG',
    });
  }
  if (credentials.agent !== undefined) yield* await agentIdentities(credentials.agent, context);
}

/** Agent and files in OpenSSH's order: agent keys that a file names, other agent keys, then files. */
async function* fromUser(choice: IdentityChoice, context: IdentityContext): AsyncGenerator<Identity, void> {
  const agent = choice.identityAgent === undefined ? [] : await agentIdentities(choice.identityAgent, context);
  const own: (Identity | IdentityFile)[] = [];
  const named = new Set<Identity>();
  for (const path of choice.identityFiles) {
    const file = await readIdentityFile(path, choice.identityFilesNamed, context);
    const identity = file && (await fileIdentity(file, context));
    const publicBlob = typeof identity === 'object' ? identity.publicBlob : file?.publicBlob;
    const held = publicBlob && agent.find((candidate) => candidate.publicBlob.equals(publicBlob));
    if (held) named.add(held);
    else if (identity === 'locked' && file) own.push(file);
    else if (typeof identity === 'object') own.push(identity);
  }
  yield* named;
  if (!choice.identitiesOnly) yield* agent.filter((identity) => !named.has(identity));
  for (const candidate of own) {
    const identity = 'sign' in candidate ? candidate : await unlockedIdentity(candidate, context);
    if (identity) yield identity;
  }
}

/**
 * The identities to try for a host, one after the other.
 *
 * @throws {ConnectionError} `ERR_CONFIG` for a handed-in key that cannot be used
 */
export function collectIdentities(
  choice: IdentityChoice,
  credentials: SshCredentials | undefined,
  context: IdentityContext,
): AsyncGenerator<Identity, void> {
  return credentials === undefined ? fromUser(choice, context) : fromCredentials(credentials, choice.alias, context);
}
