/** What `sealift image` can do, with the help of each. */
export const imageHelp: string = `sealift image: signed software images

usage: sealift image COMMAND ...

  keygen            make a key and its certificate
  sign              sign a file: an image comes out
  verify            is an image good? Exit status 0: yes, 1: no
  inspect           what an image says of itself; nothing is trusted
  revocation        make an image that brings a new production key
  bundle            sign an image again, with a new special key in it
  export-attrs      what is to be signed, for a key that stays in another room
  attach-signature  an image from the file and a signature made elsewhere
  store             the key storage of a device: init, show, status, add, good, revoke

  sealift image COMMAND --help

Example: sealift image verify app.SPA --store store/
`;

export const keygenHelp: string = `sealift image keygen: make a key and its certificate

usage: sealift image keygen --type TYPE --key-version LETTER [options]

makes DIR/TYPE-LETTER.key.pem (mode 0600) and DIR/TYPE-LETTER.crt.pem. Keys that are there are never replaced.

  --type TYPE          production, special or rollover
  --key-version LETTER A to Z
  --out DIR            default: the current directory; made where missing
  --algorithm NAME     rsa-3072 (default), rsa-2048, rsa-4096, ecdsa-p256, ecdsa-p384,
                       ed25519; ml-dsa-44, ml-dsa-65, ml-dsa-87 from Node 24 on
  --cn TEXT            common name: who makes the software
  --ou TEXT            organizational unit: the hardware it is for
  --o TEXT             organization: who owns the image
  --days N             how long the certificate says to be valid; default 7300. No device
                       decides by it
  --passphrase-file F  the passphrase is the first line of F. Default: asked for twice on
                       the terminal, or the first line of standard input
  --no-passphrase      leave the key unencrypted
  -h, --help
`;

/** Options that several commands share. */
const signerOptions = `  --key FILE           the private key, PEM; may be given several times, each with its --cert
  --cert FILE          the certificate of the key
  --passphrase-file F  the passphrase of the keys is the first line of F. Default: asked for on
                       the terminal`;

const imageOptions = `  --version TEXT       the version of the software
  --name NAME          the name in displays; default: that of the output
  --counter N          security counter, 0 to 4294967295; default 0. A device that has run
                       an image with a higher one refuses this one
  --min-loader TEXT    the least version of a loader that may start it
  --digest NAME        sha512 (default), sha384, sha256`;

export const signHelp: string = `sealift image sign: sign a file

usage: sealift image sign FILE --key FILE --cert FILE --product NAME --version TEXT [-o OUT]

FILE may be - for standard input.

${signerOptions}
  --product NAME       the hardware it is for
  --type TYPE          production, special, rommon.production, rommon.special; default: the
                       type of the key
${imageOptions}
  --bundle CERT        the certificate of a new special key that the image brings; may be given
                       several times
  -o, --out OUT        default: the name of FILE with .SPA, .SSA ... at its end
  -q, --quiet
  -h, --help

Example: sealift image sign app.js --key keys/production-A.key.pem --cert keys/production-A.crt.pem \\
           --product NX3900 --version 1.0.0 -o app.SPA
`;

export const verifyHelp: string = `sealift image verify: is an image good?

usage: sealift image verify IMAGE ... --store DIR [options]
       sealift image verify IMAGE ... --cert FILE [options]

IMAGE may be - for standard input, which is read once.

  --store DIR          the key storage
  --nvram DIR          where its counters are kept, if not in it
  --cert FILE          trust the key of this certificate, for what its own type may sign; may be
                       given several times, in place of --store
  --product NAME       refuse images for other hardware
  --type TYPE          take images of this type only; may be given several times
  --min-signers N      ask for N distinct keys; default 1
  --min-counter N      refuse a lower security counter
  --max-size BYTES     refuse a larger payload
  --digest NAME        what to expect from a pipe: sha512 (default), sha384, sha256
  --md5                show the MD5 of the whole file too, as devices do
  --extract FILE       write the payload to FILE; it gets its name once all is verified
  --json               one line of JSON for each image
  -q, --quiet          say nothing about good images
  -h, --help

Exit status: 0 all are good, 1 one is not or cannot be read, 2 wrong command line.
`;

export const inspectHelp: string = `sealift image inspect: what an image says of itself

usage: sealift image inspect IMAGE ... [--json]

Nothing is verified and nothing trusted: who has made the image may have written anything.

  --json               all there is, one line of JSON for each image
  --certs              the certificates in the envelope, PEM
  --envelope FILE      write the envelope (CMS, DER) to FILE
  --payload-size       the bytes of the payload alone: \`head -c\` gives the payload
  -h, --help
`;

export const revocationHelp: string = `sealift image revocation: make an image that brings a new production key

usage: sealift image revocation --new-key CERT --key FILE --cert FILE -o OUT [options]

It is signed with a rollover key, and \`sealift image store add production\` takes the new key from it.

  --new-key CERT       the certificate of the new production key; may be given several times,
                       all of one key version
${signerOptions}
  --product NAME       the hardware it is for; default: any
  --payload FILE       what a device runs when it starts it; default: a program that says what it is
${imageOptions}
  -o, --out OUT        its name should end in .SRA, .SRB ...
  -q, --quiet
  -h, --help
`;

export const bundleHelp: string = `sealift image bundle: sign an image again, with a new special key in it

usage: sealift image bundle IMAGE --new-key CERT --key FILE --cert FILE -o OUT [options]

The payload and what is said of it stay; the new key comes in place of those that it brings.
IMAGE must be well signed by the key that signs it again.

  --new-key CERT       the certificate of the new special key; may be given several times, all of
                       one key version
${signerOptions}
  -o, --out OUT
  -q, --quiet
  -h, --help
`;

export const exportAttrsHelp: string = `sealift image export-attrs: what is to be signed, for a key that stays in another room

usage: sealift image export-attrs FILE --cert FILE --product NAME --version TEXT -o ATTRS [options]

ATTRS is the DER that the key has to sign, as it is: \`openssl dgst -sha512 -sign KEY ATTRS\` for RSA
and ECDSA, \`openssl pkeyutl -sign -rawin -inkey KEY -in ATTRS\` for Ed25519.

  --cert FILE          the certificate of the key
  --product NAME, --type TYPE, --bundle CERT   as for sign; --new-key CERT for revocation images
${imageOptions}
  -o, --out ATTRS
  -h, --help
`;

export const attachSignatureHelp: string = `sealift image attach-signature: an image from a file and a signature made elsewhere

usage: sealift image attach-signature FILE --attrs ATTRS --signature SIG --cert FILE -o OUT

It is verified before it gets its name. --attrs, --signature and --cert may be given several times,
in the same order, for several signers.

  --attrs ATTRS        what export-attrs has written
  --signature SIG      the signature over it, as openssl writes it
  --cert FILE          the certificate of the key
  --bundle CERT        the certificates that the image brings, as for export-attrs
  -o, --out OUT
  -q, --quiet
  -h, --help
`;

export const storeHelp: string = `sealift image store: the key storage of a device, a folder

usage: sealift image store init DIR --rollover CERT --production CERT [--special CERT]
       sealift image store show DIR [--json] [--keys]
       sealift image store status DIR [--running IMAGE] [--autoboot IMAGE] [--rommon IMAGE] [--json]
       sealift image store add production|special DIR --from IMAGE
       sealift image store good DIR --running IMAGE
       sealift image store revoke production|special DIR [--running IMAGE] [--autoboot IMAGE] [--rommon IMAGE]

  init                 make it. What it is made with is the root of trust
  show                 the keys, their states and where they came from
  status               is everything ready for a change of the production key? Exit status 0: yes
  add production       the new production key from a revocation image
  add special          the new special key from a production image
  good                 the running image works: lower security counters are refused from now on
  revoke               all keys of a type that are older than the newest

  --rollover CERT      what init trusts; each may be given several times
  --production CERT
  --special CERT
  --min-signers TYPE=N so many keys of one version must have signed, for all that ever
                       verifies with this storage; for a type of key, may be given several times
  --keys               show them as the device does
  --from IMAGE         the image that runs and brings the key
  --running IMAGE      the image that runs; revoke is for production images
  --autoboot IMAGE     the image that starts next
  --rommon IMAGE       the upgradable ROM monitor
  --reload-pending     a reload is scheduled and has not happened
  --product NAME       images for other hardware do not count
  --nvram DIR          where its counters are kept, if not in it
  --json
  -h, --help

What is given of --running, --autoboot and --rommon must go on working: a key that one of them needs
is not revoked.

Exit status: 0, 1 not done or not ready, 2 wrong command line.
`;
