import type { AnyAuthMethod } from 'ssh2';
import { ConnectionError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { printable } from '../../base/printable.ts';
import type { HostConfig } from '../config/host-config.ts';
import type { Prompter, SshCredentials } from '../connection.ts';
import type { Identity } from '../identities/identity.ts';
import { identityAgent } from './identity-agent.ts';
import { type KeyboardInteractive, keyboardInteractive } from './keyboard-interactive.ts';
import { loadSsh2 } from './ssh2.ts';

/** No server lets anyone try so often. */
export const MAX_AUTHENTICATION_ATTEMPTS = 100;

/** What authentication needs to know. */
export interface AuthenticationContext {
  readonly config: HostConfig;
  readonly credentials: SshCredentials | undefined;
  readonly prompter: Prompter;
  /** Whether the prompter may ask. */
  readonly interactive: boolean;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
  /** The identities to try; called anew when a server wants a second key. */
  readonly identities: () => AsyncIterator<Identity, void>;
  /** Ends the connection with an error. */
  readonly fail: (error: unknown) => void;
}

/** Decides what to authenticate with next. */
export interface Authenticator {
  /** The next attempt, given what the server said about the last one. */
  next(methods: readonly string[] | null, partial: boolean): Promise<AnyAuthMethod | undefined>;
  /** What the last password attempt used: a server may want it changed. */
  readonly password: string | undefined;
  /** The method of the last attempt. */
  readonly method: string;
  /** How many attempts the server has refused so far, the first question for its methods not counted. */
  readonly refusals: number;
  /** The error when nothing is left to try, or when the server hung up. */
  refused(said?: string): ConnectionError;
}

function cure(config: HostConfig, offered: readonly string[], interactive: boolean, keysTried: number): string {
  if (keysTried > 5) return 'too many keys were tried: name the right one with -i and set IdentitiesOnly=yes';
  if (offered.includes('publickey') && keysTried === 0) return 'name a key with -i, or add one to the agent';
  if (!interactive && offered.some((method) => method !== 'publickey'))
    return 'run without BatchMode and with a terminal to be asked';
  return `check the user name (${printable(config.user)}) and the key or password`;
}

/**
 * Tries the methods in OpenSSH's order: keys of agent and files, questions of the server, the password. The first request
 * is `none`, which asks the server for its methods; a server that lets us in on it wants no authentication, which is its
 * decision, as with OpenSSH.
 */
export function createAuthenticator(context: AuthenticationContext): Authenticator {
  const { config, credentials, log } = context;
  const used: Buffer[] = [];
  const username = config.user;
  let identities: AsyncIterator<Identity, void> | undefined;
  let offered: readonly string[] = [];
  let attempts = 0;
  let keysTried = 0;
  let method = 'none';
  let lastKey: Buffer | undefined;
  let password: string | undefined;
  let storedPasswordTries = 0;
  let passwordTries = 0;
  let interactiveTries = 0;
  let questions: KeyboardInteractive | undefined;

  const mayPassword = (): boolean =>
    credentials?.password !== undefined
      ? storedPasswordTries === 0
      : context.interactive && passwordTries < config.passwordPrompts;

  const publickey = async (): Promise<AnyAuthMethod | undefined> => {
    identities ??= context.identities();
    for (let next = await identities.next(); !next.done; next = await identities.next()) {
      const identity = next.value;
      if (used.some((blob) => blob.equals(identity.publicBlob))) continue;
      log.debug(1, `offering ${identity.label} (${identity.type})`);
      lastKey = identity.publicBlob;
      keysTried++;
      return { type: 'agent', username, agent: identityAgent(await loadSsh2(), identity, context) };
    }
    return undefined;
  };

  const interactive = (): AnyAuthMethod | undefined => {
    if (credentials?.password === undefined && !context.interactive) return undefined;
    if (interactiveTries >= (credentials?.password === undefined ? config.passwordPrompts : 1)) return undefined;
    interactiveTries++;
    questions ??= keyboardInteractive(context);
    return { type: 'keyboard-interactive', username, prompt: questions.prompt };
  };

  const askPassword = async (): Promise<AnyAuthMethod | undefined> => {
    if (!mayPassword()) return undefined;
    if (credentials?.password !== undefined) {
      storedPasswordTries++;
      password = credentials.password;
    } else {
      passwordTries++;
      const options = { echo: false, kind: 'secret' as const, ...(context.signal && { signal: context.signal }) };
      password = await context.prompter.ask(`${printable(username)}@${printable(config.alias)}'s password: `, options);
    }
    return password === undefined ? undefined : { type: 'password', username, password };
  };

  const attempt = async (name: string): Promise<AnyAuthMethod | undefined> => {
    if (name === 'publickey') return await publickey();
    if (name === 'keyboard-interactive') return interactive();
    return name === 'password' ? await askPassword() : undefined;
  };

  return {
    get password() {
      return password;
    },
    get method() {
      return method;
    },
    get refusals() {
      return Math.max(0, attempts - 1);
    },
    async next(methods, partial) {
      if (methods === null) return { type: 'none', username };
      if (partial) {
        log.debug(1, `${method} was accepted, the server wants more`);
        if (lastKey) used.push(lastKey);
        identities = undefined;
        passwordTries = interactiveTries = storedPasswordTries = 0;
      }
      lastKey = undefined;
      offered = methods;
      log.debug(1, `methods that can continue: ${printable(methods.join(','))}`);
      if (++attempts > MAX_AUTHENTICATION_ATTEMPTS) return undefined;
      for (const name of config.authentications) {
        if (!methods.includes(name)) continue;
        const found = await attempt(name);
        if (found === undefined) continue;
        method = name;
        log.debug(1, `next method: ${name}`);
        return found;
      }
      return undefined;
    },
    refused(said) {
      const names = printable(offered.join(',').slice(0, 256)) || 'none';
      const reason = `permission denied for user ${printable(username)} (the server offers: ${names})`;
      return new ConnectionError(printable(config.alias), 'authentication', said ? `${reason}: ${said}` : reason, {
        code: 'ERR_AUTHENTICATION',
        cure: cure(config, offered, context.interactive, keysTried),
      });
    },
  };
}
