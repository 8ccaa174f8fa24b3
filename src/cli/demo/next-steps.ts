import type { DemoServer } from './server.ts';

/** What to try now: commands that work as they stand, from the folder of this checkout. */
export function nextSteps({ configFile, server }: DemoServer, running: boolean): string {
  if (!running) {
    return `
To try it yourself, in two terminals:
  bin/sealift serve --data /tmp/depot --listen 127.0.0.1:2222 --user demo     it shows a password
  bin/sealift scp -P 2222 README.md demo@127.0.0.1:
  bin/sealift scp -P 2222 -rp src demo@127.0.0.1:copies-of-src
  bin/sealift scp -P 2222 'demo@127.0.0.1:*.md' /tmp
  scp -P 2222 demo@127.0.0.1:README.md /tmp                                   the same with OpenSSH
Or npm start -- --keep, which leaves the server of this demonstration running until Ctrl-C.
`;
  }
  const copy = `bin/sealift scp -F ${configFile}`;
  return `
The server runs until Ctrl-C. From another terminal, in this folder:
  ${copy} README.md depot:
  ${copy} -rp src depot:copies-of-src
  ${copy} 'depot:tree/odd\\ names/*.txt' /tmp
  scp -F ${configFile} depot:tree/big.bin /tmp        # the same with OpenSSH
It listens on 127.0.0.1:${server.port}; everything is removed when it stops.
`;
}
