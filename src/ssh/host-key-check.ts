import { ConnectionError, SealiftError } from '../base/errors.ts';
import { type Log, silentLog } from '../base/log.ts';
import { printable } from '../base/printable.ts';
import { authoritySignatures, certificateFault } from './certificates/judge.ts';
import type { Certificate } from './certificates/parse.ts';
import { readShownKey, type ShownKey } from './certificates/shown-key.ts';
import type { Prompter } from './connection.ts';
import { changedKeyWarning, unknownKeyQuestion } from './host-key-texts.ts';
import { addKnownHost, isRevokedKey, loadKnownHosts } from './known-hosts/files.ts';
import { fingerprint, keyTypeLabel } from './known-hosts/fingerprint.ts';
import {
  findAuthorities,
  findRevoked,
  type HostKeyVerdict,
  type KnownHostQuery,
  knownKeyTypes,
  lookUpHostKey,
  queryName,
} from './known-hosts/lookup.ts';
import type { KnownHost } from './known-hosts/parse.ts';

/** StrictHostKeyChecking of ssh_config. */
export type StrictHostKeyChecking = 'yes' | 'no' | 'accept-new' | 'ask';

/** How the keys of one server are judged. */
export interface HostKeyPolicy {
  readonly host: string;
  readonly port: number;
  readonly hostKeyAlias?: string | undefined;
  readonly strict: StrictHostKeyChecking;
  /** New keys are written to the first of them. */
  readonly userKnownHostsFiles: readonly string[];
  readonly globalKnownHostsFiles: readonly string[];
  /** RevokedHostKeys: public keys that are never accepted, one a line. */
  readonly revokedHostKeysFile?: string | undefined;
  readonly hashKnownHosts?: boolean | undefined;
  /** Look the address up too, where {@link verifyHostKey} is given one. */
  readonly checkHostIp?: boolean | undefined;
  /** CASignatureAlgorithms: how authorities may sign certificates. Default: all that can be checked here. */
  readonly authoritySignatures?: readonly string[] | undefined;
  /** The only keys or fingerprints to accept; nothing else of the policy matters then. */
  readonly pins?: readonly string[] | undefined;
  /** Absent under BatchMode. */
  readonly prompter?: Prompter | undefined;
  readonly log?: Log | undefined;
}

/** How often an answer that is neither yes, no nor the fingerprint is asked for again. */
export const MAX_HOST_KEY_QUESTIONS = 5;

const DO_NOT_CONNECT = 'do not connect; ask the administrator of the host';

/** What decides which host keys are asked for. */
export interface KnownOfHost {
  /** The types of its known keys, which are offered first. */
  readonly types: readonly string[];
  /** Whether a certificate could be judged. */
  readonly authority: boolean;
}

/** What known_hosts, or the pinned keys in its stead, tells about a server. @throws {FileError} */
export async function knownOfHost(policy: HostKeyPolicy): Promise<KnownOfHost> {
  if (policy.pins !== undefined) {
    const types = policy.pins.map((pin) => pin.trim().split(/\s+/)[0] ?? '');
    return { types: types.filter((type) => !type.startsWith('SHA256:')), authority: false };
  }
  const entries = await loadKnownHosts([...policy.userKnownHostsFiles, ...policy.globalKnownHostsFiles]);
  const query = { host: policy.host, port: policy.port, alias: policy.hostKeyAlias };
  return { types: knownKeyTypes(entries, query), authority: findAuthorities(entries, query).length > 0 };
}

function refuse(policy: HostKeyPolicy, reason: string, cure?: string, cause?: unknown): never {
  throw new ConnectionError(printable(policy.host), 'host key', reason, { code: 'ERR_HOST_KEY', cure, cause });
}

function checkPins(policy: HostKeyPolicy, pins: readonly string[], key: Buffer, type: string): void {
  const print = fingerprint(key);
  const encoded = key.toString('base64');
  const matches = pins.some((pin) => {
    const [first, second] = pin.trim().split(/\s+/);
    if (first?.startsWith('SHA256:')) return first.replace(/=+$/, '') === print;
    return first === type && second === encoded;
  });
  if (!matches) {
    refuse(
      policy,
      `the ${keyTypeLabel(type)} host key ${print} is not one of the expected keys`,
      'check the fingerprint with the administrator of the host and hand in the right one',
    );
  }
}

async function remember(policy: HostKeyPolicy, key: Buffer, type: string): Promise<void> {
  const [file] = policy.userKnownHostsFiles;
  const name = queryName({ host: policy.host, port: policy.port, alias: policy.hostKeyAlias });
  if (file === undefined || file === 'none' || file === '/dev/null') return;
  try {
    await addKnownHost(file, name, type, key, policy.hashKnownHosts === true);
    policy.prompter?.tell(`Added ${printable(name)} (${keyTypeLabel(type)}) to the known hosts in ${printable(file)}.`);
  } catch (error) {
    // As ssh does: the key was accepted, only the next connection will ask again.
    const reason = error instanceof Error ? error.message : String(error);
    policy.prompter?.tell(`The host key could not be added to the known hosts: ${printable(reason)}`);
  }
}

async function confirmedByPerson(
  policy: HostKeyPolicy,
  key: Buffer,
  type: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const print = fingerprint(key);
  let question = unknownKeyQuestion(policy.host, policy.port, type, print);
  for (let asked = 0; asked < MAX_HOST_KEY_QUESTIONS; asked++) {
    const options = { echo: true, kind: 'confirm' as const, ...(signal && { signal }) };
    const answer = (await policy.prompter?.ask(question, options))?.trim();
    if (answer === undefined) return false;
    if (answer.toLowerCase() === 'yes' || answer === print) return true;
    if (answer.toLowerCase() === 'no') return false;
    question = 'Please answer yes, no or the fingerprint: ';
  }
  return false;
}

async function decideUnknown(
  policy: HostKeyPolicy,
  authority: KnownHost | undefined,
  key: Buffer,
  type: string,
  { signal, certificates }: PresentedKey,
): Promise<void> {
  if (authority !== undefined) {
    refuse(
      policy,
      `the host is known only by its certificate authority (${printable(authority.file)}:${authority.line}) and showed a plain key`,
      certificates === true
        ? 'give the host a certificate of this authority; with --transport ssh, the plain key can be confirmed'
        : 'no certificate was asked for: let HostKeyAlgorithms have some, or use --transport ssh',
    );
  }
  const label = `${keyTypeLabel(type)} host key ${fingerprint(key)}`;
  if (policy.strict === 'yes') {
    refuse(
      policy,
      `the ${label} is not known and strict checking is on`,
      'add the key to known_hosts after checking it',
    );
  }
  if (policy.strict === 'ask' && !(await confirmedByPerson(policy, key, type, signal))) {
    refuse(
      policy,
      `the ${label} is not known and was not confirmed`,
      'connect once with a terminal, or add the key to known_hosts after checking it',
    );
  }
  await remember(policy, key, type);
}

function decideRefused(
  policy: HostKeyPolicy,
  verdict: HostKeyVerdict & { entry: KnownHost },
  key: Buffer,
  type: string,
): never {
  const place = `${printable(verdict.entry.file)}:${verdict.entry.line}`;
  const name = queryName({ host: policy.host, port: policy.port, alias: policy.hostKeyAlias });
  if (verdict.kind === 'revoked') {
    refuse(policy, `the ${keyTypeLabel(type)} host key is revoked (${place})`, DO_NOT_CONNECT);
  }
  const sameType = verdict.kind === 'changed' && verdict.sameType;
  policy.prompter?.tell(changedKeyWarning(policy.host, type, fingerprint(key), verdict.entry, sameType));
  refuse(
    policy,
    sameType
      ? `the host key changed (the known key is at ${place})`
      : `the host shows a key of another type than the known one (at ${place})`,
    `if the change is real: ssh-keygen -f ${printable(verdict.entry.file)} -R '${printable(name)}'`,
  );
}

/** Refuses what is revoked, before anything can accept it. The lookup of plain keys does that for itself in known_hosts. */
async function checkRevocation(
  policy: HostKeyPolicy,
  shown: ShownKey,
  entries: readonly KnownHost[],
  query: KnownHostQuery,
): Promise<void> {
  const file = policy.revokedHostKeysFile;
  for (const { what, blob } of shown.revocable) {
    if (file !== undefined && (await isRevokedKey(file, blob))) {
      refuse(policy, `${what} is revoked (${printable(file)})`, DO_NOT_CONNECT);
    }
    const entry = shown.certificate && findRevoked(entries, query, blob);
    if (entry) refuse(policy, `${what} is revoked (${printable(entry.file)}:${entry.line})`, DO_NOT_CONNECT);
  }
}

/** What is wrong with a certificate; undefined where it is accepted. */
function judgeCertificate(
  policy: HostKeyPolicy,
  certificate: Certificate,
  entries: readonly KnownHost[],
  query: KnownHostQuery,
): string | undefined {
  const log = policy.log ?? silentLog;
  const authorities = findAuthorities(entries, query);
  const label = `certificate ${printable(certificate.keyId.slice(0, 100))} (serial ${certificate.serial})`;
  const fault = certificateFault(certificate, {
    name: (policy.hostKeyAlias ?? policy.host).toLowerCase(),
    now: BigInt(Math.floor(Date.now() / 1000)),
    authorities: authorities.map((entry) => entry.key),
    signatures: policy.authoritySignatures ?? authoritySignatures,
  });
  if (fault === undefined) {
    const entry = authorities.find(({ key }) => key.equals(certificate.authority.blob));
    log.debug(
      1,
      `host ${printable(policy.host)}: ${label}, authority found in ${printable(entry?.file ?? '')}:${entry?.line}`,
    );
  } else {
    log.debug(1, `host ${printable(policy.host)}: ${label} ${fault}`);
  }
  return fault;
}

/** Never asks: who has an authority for a host does not want to be asked to trust it without. */
function refuseCertificate(
  policy: HostKeyPolicy,
  fault: string,
  authority: KnownHost | undefined,
  known: KnownHost | undefined,
): never {
  const place = authority && ` (the authority for the host is at ${printable(authority.file)}:${authority.line})`;
  refuse(
    policy,
    `the certificate of the host ${fault}${place ?? ''}`,
    known === undefined
      ? 'ask the administrator of the host about its certificate, and check the clock of this machine'
      : `to be shown the plain key that is known (${printable(known.file)}:${known.line}): -o HostKeyAlgorithms=-*-cert-v01@openssh.com`,
  );
}

async function check(policy: HostKeyPolicy, presentedBlob: Buffer, presented: PresentedKey): Promise<void> {
  const shown = readShownKey(presentedBlob);
  const { key, type, certificate } = shown;
  if (policy.pins !== undefined) return checkPins(policy, policy.pins, key, type);
  const query = {
    host: policy.host,
    port: policy.port,
    alias: policy.hostKeyAlias,
    address: policy.checkHostIp ? presented.address : undefined,
  };
  const entries = await loadKnownHosts([...policy.userKnownHostsFiles, ...policy.globalKnownHostsFiles]);
  await checkRevocation(policy, shown, entries, query);
  const fault = certificate && judgeCertificate(policy, certificate, entries, query);
  if (certificate !== undefined && fault === undefined) return;
  // As in OpenSSH, a key whose certificate proves nothing may still be known by itself.
  const verdict = lookUpHostKey(entries, query, key, type, presented.offered);
  switch (verdict.kind) {
    case 'match':
      (policy.log ?? silentLog).debug(
        1,
        `host ${printable(policy.host)}: ${keyTypeLabel(type)} key ${fingerprint(key)} found in ${printable(verdict.entry.file)}:${verdict.entry.line}`,
      );
      return;
    case 'unknown':
      if (fault !== undefined) refuseCertificate(policy, fault, findAuthorities(entries, query)[0], undefined);
      return decideUnknown(policy, verdict.authority, key, type, presented);
    case 'changed':
      // Certificates are asked for first, so a plain key of another type that is known had no chance to be shown.
      if (fault !== undefined && !verdict.sameType) {
        refuseCertificate(policy, fault, findAuthorities(entries, query)[0], verdict.entry);
      }
      if (fault !== undefined) policy.prompter?.tell(`The certificate of ${printable(policy.host)} ${fault}.`);
      return decideRefused(policy, verdict, key, type);
    case 'revoked':
      return decideRefused(policy, verdict, key, type);
    default:
      verdict satisfies never;
      refuse(policy, 'the host key could not be judged');
  }
}

/** What is known about a connection when its host key is judged. */
export interface PresentedKey {
  /** The address connected to; absent through a proxy. */
  readonly address?: string | undefined;
  /** Whether plain keys of a type could have been shown. Default: all. */
  readonly offered?: ((type: string) => boolean) | undefined;
  /** Whether certificates could have been shown. */
  readonly certificates?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Decides about the key or certificate a server presents. Returns only for a key that is accepted: whatever goes wrong while judging
 * refuses the key (CVE-2025-26465).
 *
 * `no` differs from OpenSSH on purpose: a changed key is refused, where ssh goes on without passwords.
 *
 * @throws {ConnectionError} `ERR_HOST_KEY`; what the signal was aborted with
 */
export async function verifyHostKey(policy: HostKeyPolicy, key: Buffer, presented: PresentedKey = {}): Promise<void> {
  try {
    await check(policy, key, presented);
  } catch (error) {
    presented.signal?.throwIfAborted();
    if (error instanceof SealiftError && error.code === 'ERR_HOST_KEY') throw error;
    const reason = error instanceof Error ? printable(error.message) : 'unknown error';
    refuse(policy, `the host key could not be checked: ${reason}`, undefined, error);
  }
}
