import type { DemoServer } from './server.ts';

/** What to try now: commands that work as they stand while the server runs. */
export function nextSteps({ configFile, server }: DemoServer, running: boolean): string {
  const sealift = 'bin/sealift';
  const commands = [
    `${sealift} scp -F ${configFile} README.md depot:`,
    `${sealift} scp -F ${configFile} -rp src depot:copies-of-src`,
    `${sealift} scp -F ${configFile} 'depot:tree/odd\\ names/*.txt' .`,
    `scp -O -F ${configFile} depot:tree/big.bin .                   # the same with OpenSSH`,
  ];
  if (!running) {
    return `
To try it yourself:
  npm start -- --keep           the same, and the server stays until Ctrl-C; it prints the commands
  ${sealift} serve              a server of your own
  ${sealift} scp --help
`;
  }
  return `
The server runs until Ctrl-C. From another terminal, in this folder:
${commands.map((command) => `  ${command}\n`).join('')}
It listens on 127.0.0.1:${server.port}; everything is removed when it stops.
`;
}
