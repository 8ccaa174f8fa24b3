import type { Client } from 'ssh2';
import { hostKeyType, isCertificateName, plainName } from '../certificates/names.ts';
import { parseCertificate } from '../certificates/parse.ts';

/*
 * ssh2 1.17 knows no certificates. What it lacks is little: it sends a list of host key algorithms that it does not look
 * into, hashes whatever the server shows as its key, and then wants three things of it that certificates do not have. All
 * access to its inside is here, and holds for one connection.
 */

/** One list of algorithms in ssh2. */
interface List {
  readonly array?: readonly string[];
}

interface Lists {
  readonly kex?: List;
  readonly serverHostKey?: List;
  readonly cs?: Readonly<Record<string, List>>;
  readonly sc?: Readonly<Record<string, List>>;
}

/** What ssh2 sends in KEXINIT; made once for a connection. */
interface KexInit {
  readonly lists?: Lists;
}

interface KeyExchange {
  readonly negotiated?: { serverHostKey: string };
  /** K_S, from the server's reply until the exchange is over. */
  _hostKey?: Buffer | undefined;
}

interface Inside {
  readonly _protocol?: { _offer?: KexInit; _kex?: KeyExchange | undefined };
}

function arraysOf(lists: Readonly<Record<string, List>> | undefined): Record<string, readonly string[] | undefined> {
  return Object.fromEntries(Object.entries(lists ?? {}).map(([name, list]) => [name, list.array]));
}

/** The same offer with other host key algorithms, in the way ssh2 makes one; undefined where it is made differently. */
function offerWith(offer: KexInit | undefined, hostKeys: readonly string[]): KexInit | undefined {
  if (offer?.lists?.serverHostKey?.array === undefined) return undefined;
  const { kex, cs, sc } = offer.lists;
  const Constructor = offer.constructor as new (lists: object) => KexInit;
  try {
    const lists = { kex: kex?.array, serverHostKey: [...hostKeys], cs: arraysOf(cs), sc: arraysOf(sc) };
    const made = new Constructor(lists);
    return made.lists?.serverHostKey?.array?.join() === hostKeys.join() ? made : undefined;
  } catch {
    return undefined;
  }
}

function plainKey(shown: Buffer): Buffer | undefined {
  try {
    return parseCertificate(shown).key;
  } catch {
    // The check of the host key says what is wrong with it.
    return undefined;
  }
}

/**
 * Where a certificate was agreed on, ssh2 compares the agreed name with the type in K_S, then with the type of the signature,
 * and chooses the hash of an RSA signature by it. These are three names: for `rsa-sha2-512-cert-v01@openssh.com` K_S is of
 * type `ssh-rsa-cert-v01@openssh.com` and the signature of type `rsa-sha2-512`. Each comparison gets its own.
 *
 * The first comparison with the signature comes after K_S was hashed as it is, certificate and all. From then on ssh2 needs
 * the plain key, to check the signature with. Were it ever to come earlier, the hash and so the signature would be wrong.
 */
function speakCertificate(exchange: KeyExchange): void {
  const { negotiated } = exchange;
  const agreed = negotiated?.serverHostKey;
  if (negotiated === undefined || agreed === undefined || !isCertificateName(agreed)) return;
  let name = hostKeyType(agreed);
  Object.defineProperty(negotiated, 'serverHostKey', {
    configurable: true,
    enumerable: true,
    get: () => {
      const shown = exchange._hostKey;
      if (shown !== undefined && name !== plainName(agreed)) {
        exchange._hostKey = plainKey(shown) ?? shown;
        name = plainName(agreed);
      }
      return name;
    },
  });
}

/**
 * Makes a client that has not received anything yet offer these host key algorithms, among them certificates. What is shown
 * to its hostVerifier is the whole certificate.
 *
 * @returns false where ssh2 has other insides; it then offers what it did before
 */
export function offerCertificates(client: Client, hostKeys: readonly string[]): boolean {
  const protocol = (client as unknown as Inside)._protocol;
  const offer = offerWith(protocol?._offer, hostKeys);
  if (protocol === undefined || offer === undefined) return false;
  if (!('_kex' in protocol) || protocol._kex !== undefined) return false;
  protocol._offer = offer;
  let current: KeyExchange | undefined;
  // ssh2 sets it for the first key exchange and for every later one.
  Object.defineProperty(protocol, '_kex', {
    configurable: true,
    enumerable: true,
    get: () => current,
    set: (exchange: KeyExchange | undefined) => {
      current = exchange;
      if (exchange !== undefined) speakCertificate(exchange);
    },
  });
  return true;
}
