import { printable } from '../../base/printable.ts';
import { prepareConfig, readConfigFile } from '../../server/config/prepare.ts';
import { ControlClient } from '../../server/control/client.ts';
import type { ControlResponse } from '../../server/control/protocol.ts';
import { jsonLine } from '../json-lines.ts';
import { sessionTable, statusText, transferTable } from './control-text.ts';
import type { ControlOptions } from './options.ts';
import { watchTransfers } from './watch.ts';

/** `sealift serve status|sessions|transfers|kick`. @returns the exit status. @throws where no server answers */
export async function controlCommand(options: ControlOptions): Promise<number> {
  const client = await ControlClient.open(await stateFolder(options));
  try {
    if (options.watch) return await watchTransfers(client, options.json);
    const response = await client.ask(
      options.command === 'kick' ? { command: 'kick', id: options.id ?? '' } : { command: options.command },
    );
    if (options.json) process.stdout.write(jsonLine(response));
    else if (response.ok) process.stdout.write(textOf(response));
    else process.stderr.write(`sealift: ${printable(response.error)}\n`);
    return response.ok ? 0 : 1;
  } finally {
    await client[Symbol.asyncDispose]();
  }
}

async function stateFolder({ config, state }: ControlOptions): Promise<string> {
  if (config === undefined) return state;
  return (await prepareConfig(await readConfigFile(config), config, state)).state;
}

function textOf(response: ControlResponse & { readonly ok: true }): string {
  const now = Date.now();
  if ('status' in response) return statusText(response.status, now);
  if ('sessions' in response) return sessionTable(response.sessions, response.more, now);
  if ('transfers' in response) return transferTable(response.transfers, response.more, now);
  return `session ${response.kicked} has been ended\n`;
}
