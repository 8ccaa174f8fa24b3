/** The short text that answers a command line which cannot be understood. */
export function scpUsage(program: 'scp' | 'sealift'): string {
  const name = program === 'scp' ? 'scp' : 'sealift scp';
  const indent = ' '.repeat(`usage: ${name} `.length);
  return `usage: ${name} [-346ABCOpqRrsTv] [-c cipher] [-D sftp_program]
${indent}[-F ssh_config] [-i identity_file] [-J destination]
${indent}[-j files] [-l limit] [-o ssh_option] [-P port]
${indent}[-S program] [-X sftp_option] [long options]
${indent}source ... target
`;
}

/** The text of `--help`, in 80 columns. */
export function scpHelp(program: 'scp' | 'sealift'): string {
  const name = program === 'scp' ? 'scp' : 'sealift scp';
  return `${name}: secure copy, with the command line of scp

${scpUsage(program)}
A source or target is a local path, [user@]host:path, or
scp://[user@]host[:port]/path. A path with a colon is local when a slash comes
first: ./a:b

Copying
  -r                  whole directories; symbolic links are followed
  -p                  keep modes and times (no set-user-ID and set-group-ID)
  --preserve-special  keep those bits too when copying from a host, with -p
  -l LIMIT            at most LIMIT Kbit/s
  -3                  between two hosts: through this machine (default)
  -R                  between two hosts: the first copies to the second itself

Protocol
  -s                  SFTP and nothing else
  -O                  the SCP protocol. Default: SFTP, or SCP for hosts without
  -T                  SCP: do not compare the names that a host sends with those
                      asked for; unsafe names are refused all the same
  --raw-path          SCP: send paths without any quoting, for devices
  -X SETTING          SFTP: nrequests=N requests or buffer=BYTES in each

Beyond scp (with SFTP only, except --retry)
  --resume            go on where an earlier copy of the same file broke off
  --retry N           connect again up to N times after a lost connection, and
                      resume
  --verify            compare each copy with its source by SHA-256
  --atomic            uploads appear when they are whole and on disk
  -j N, --parallel N  N files at the same time (default 64)
  --mkdir             make the directories that the target lacks
  --include PATTERN   copy what matches
  --exclude PATTERN   leave out what matches. Both may be repeated; the first
                      pattern that matches decides
  --update            leave out files that are there with the same size and are
                      not older
  --links             copy symbolic links as links
  --dry-run           show what would be copied, change nothing

Signed images
  --keys STORE        with --verify=signature: only images that the keys of this
                      storage vouch for get their names, up and down
  --nvram DIR         where its counters are kept, if not in it
  --product NAME      of those only images for this product

Output
  -q                  no progress meter
  --progress=FORM     auto (default): a meter on a terminal, without -q;
                      bar: one line for all files; none: nothing;
                      json: events for scripts on standard output
  -v                  tell what is going on; -vvv shows every message
  --help, --version

Connecting
  -P PORT             port or service name
  -i FILE             private key (OpenSSH, PEM or PuTTY)
  -F FILE             ssh configuration instead of ~/.ssh/config
  -J HOST             jump through this host
  -o OPTION           any option of ssh, as -o ConnectTimeout=5
  -c CIPHER, -C       cipher; compression
  -4, -6              IPv4 or IPv6 only
  -A                  forward the agent
  -B                  never ask; fail instead
  -S PROGRAM          the ssh program to connect with
  -D PROGRAM          a program that speaks SFTP, started in place of ssh
  --transport=WAY     ssh: that program; builtin: no program at all;
                      auto (default): ssh where there is one

Exit status
  0 everything was copied; 1 something was not; 255 the connection was lost or
  not made, the server broke the protocol (not with -O), or a bad value.

Examples
  ${name} report.pdf alice@host:docs/
  ${name} -rp host:/etc/nginx backup/
  ${name} --resume --retry 5 big.iso host:images/
  ${name} -P 2222 image.bin admin@[fd00::1]:flash:image.bin
`;
}
