import { readFile } from 'node:fs/promises';
import { arch, platform, userInfo } from 'node:os';
import { join } from 'node:path';
import type { SshArguments } from '../config/arguments.ts';
import { mayMention } from '../config/mention.ts';
import type { SshEnvironment } from '../options.ts';

/** AES-GCM in front of what the program would offer by itself, none of which is left out. OpenSSH 8.1 and later. */
const WORDS: readonly string[] = ['-oCiphers=^aes128-gcm@openssh.com,aes256-gcm@openssh.com'];

/** Where the systems have the configuration that holds for everybody. */
const SYSTEM_CONFIGS: readonly string[] = [
  '/etc/ssh/ssh_config',
  '/usr/local/etc/ssh/ssh_config',
  '/opt/homebrew/etc/ssh/ssh_config',
];

/**
 * Option words with which the `ssh` program prefers AES-GCM, which is some three times as fast as its own first choice where the processor has AES; it is what the built-in transport prefers.
 *
 * Whoever has set Ciphers, by an option or anywhere in the configuration and be it for another host, gets just that: no words then. The system's configuration counts also where `-F` names another one: who has a policy there is
 * left alone.
 */
export async function fastCipherWords(
  { values, configFile }: SshArguments,
  environment: SshEnvironment,
): Promise<readonly string[]> {
  if (values.some(([keyword]) => keyword === 'ciphers') || !(await hasAes())) return [];
  const system = environment.systemConfigFile === undefined ? SYSTEM_CONFIGS : [environment.systemConfigFile];
  for (const home of homes(environment)) {
    const own = configFile ?? join(home, '.ssh', 'config');
    if (await mayMention('ciphers', { files: [own, ...system], home })) return [];
  }
  return WORDS;
}

/** The program takes the home of the system's table of users, whatever HOME says. */
function homes({ home }: SshEnvironment): Set<string> {
  const all = new Set([home]);
  try {
    all.add(userInfo().homedir);
  } catch {
    // A user without an entry has no home there.
  }
  return all;
}

/** Whether AES takes instructions of the processor; without them ChaCha20 is faster. Where that is not known: no. */
async function hasAes(): Promise<boolean> {
  if (arch() === 'x64') return true;
  if (arch() !== 'arm64') return false;
  if (platform() !== 'linux') return true;
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  return /^Features\s*:.*\baes\b/m.test(text);
}
