/** The short text that answers a command line which cannot be understood. */
export function scpUsage(program: 'scp' | 'sealift'): string {
  const name = program === 'scp' ? 'scp' : 'sealift scp';
  const indent = ' '.repeat(`usage: ${name} `.length);
  return `usage: ${name} [-346ABCOpqrTv] [-c cipher] [-F ssh_config] [-i identity_file]
${indent}[-J destination] [-l limit] [-o ssh_option] [-P port] [-S program]
${indent}[--transport=auto|ssh|builtin] [--progress=auto|bar|json|none]
${indent}source ... target
`;
}

/** The text of `--help`. */
export function scpHelp(program: 'scp' | 'sealift'): string {
  const name = program === 'scp' ? 'scp' : 'sealift scp';
  return `${name}: secure copy, with the command line of scp

${scpUsage(program)}
A source or target is a local path, [user@]host:path, or scp://[user@]host[:port]/path.
A path with a colon is local when a slash comes first: ./a:b

Copying
  -r                 whole directories; symbolic links are followed
  -p                 keep modes and times (not set-user-ID and set-group-ID bits)
  --preserve-special keep those bits too when copying from a host, with -p
  -l LIMIT           at most LIMIT Kbit/s
  -q                 no progress meter
  --progress=FORM    auto (default): a meter on a terminal, in the foreground, without -q;
                     bar: on a terminal in any case, one line for all files;
                     json: events for scripts on standard output; none: nothing
  -v                 tell what is going on; up to -vvv, which shows every message
  -O                 the SCP protocol (what is used in any case, so far)
  -T                 do not compare the names a host sends with those asked for;
                     unsafe names are refused all the same

Connecting
  -P PORT            port or service name
  -i FILE            private key (OpenSSH, PEM or PuTTY)
  -F FILE            ssh configuration instead of ~/.ssh/config
  -J HOST            jump through this host
  -o OPTION          any option of ssh, as -o ConnectTimeout=5
  -c CIPHER  -C      cipher; compression
  -4  -6             IPv4 or IPv6 only
  -A                 forward the agent
  -B                 never ask; fail instead
  -S PROGRAM         the ssh program to connect with
  --transport=WHICH  ssh: that program; builtin: no program at all;
                     auto (default): ssh where there is one

Exit status: 0 when everything was copied, 1 when anything was not, 255 for a bad value.

Examples
  ${name} report.pdf alice@host:docs/
  ${name} -rp host:/etc/nginx backup/
  ${name} -P 2222 image.bin admin@[fd00::1]:flash:image.bin
`;
}
