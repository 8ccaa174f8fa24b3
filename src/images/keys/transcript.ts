import type { KeyEvent } from './events.ts';

const copyTitles = { primary: 'Primary', backup: 'Backup', nvram: 'Nvram' } as const;

const outcomes = { success: 'Success', failed: 'Failed' } as const;

/** The lines that the device prints for an event of a key command. Most have one. */
export function keyEventLines(event: KeyEvent): readonly string[] {
  switch (event.event) {
    case 'validating-running-image':
      return ['Validating running image...'];
    case 'validating-new-key':
      return [`Validating new ${event.type} key...`];
    case 'adding':
      return [`Adding the key to ${copyTitles[event.copy]}`];
    case 'checking-for-duplicates':
      return ['Checking for duplicate keys'];
    case 'already-present':
      return [`Key with version ${event.version} already present in ${copyTitles[event.copy]}`];
    case 'written':
      return [`Writing the key...e.${outcomes[event.outcome]}`];
    case 'finding-new-key':
      return [`Finding the new ${event.type} key in the key storage`];
    case 'revoking-below':
      return [`Revoking keys with version less than ${event.version}`];
    case 'validating-rommon':
      return ['Validating upgradable rommon...'];
    case 'scanning':
      return [`Scanning the keys in ${copyTitles[event.copy]}`];
    case 'revoked':
      return [`Revoking the key with version ${event.version}...e.${outcomes[event.outcome]}`];
    case 'lost-proof':
      return [
        `Special key with version ${event.version} came with an image of a revoked key: not used until a production image adds it again`,
      ];
    case 'not-updated':
      return [`% Key storage ${copyTitles[event.copy]} not updated; run the command again`];
    case 'no-change':
      return ['No change'];
    case 'done':
      return ['Done!'];
    case 'special-rommon':
      return [`%DIGISIGN-4-DEV_IMAGE: Upgradable rommon software signed using special key version ${event.version}`];
    default:
      return event satisfies never;
  }
}
