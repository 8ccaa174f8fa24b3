import { printable } from '../../base/printable.ts';
import type { ImageInUse } from './in-use.ts';
import type { ImageStatus, UpgradeStatus } from './upgrade-status.ts';

/** Characters before the colon. */
const LABEL_WIDTH = 36;

/** Characters of what an image is signed with, before the verdict. */
const SIGNED_WIDTH = 32;

/** The lines of `show software authenticity upgrade-status`. */
export function upgradeStatusLines(status: UpgradeStatus): readonly string[] {
  const { newVersion, isIn, autoboot, rommon, running, oldVersions, problems, actions } = status;
  const old = oldVersions.map((version) => `production ${version}`).join(', ');
  return [
    line('New production key version', newVersion ?? 'none'),
    line('Key in Primary storage', isIn.primary ? 'Yes' : 'No'),
    line('Key in Backup storage', isIn.backup ? 'Yes' : 'No'),
    ...imageLines('Autoboot image', autoboot, 'REPLACE REQUIRED'),
    ...imageLines('Upgradable ROMmon', rommon, 'UPGRADE REQUIRED'),
    line('Running image', running === undefined ? 'not known' : runningText(running)),
    line('Old key(s) still in storage', old === '' ? 'none' : old),
    ...problems.map((text) => line('Storage', text)),
    line('Status', verdict(actions.length)),
    ...actions.map((action, index) => `  ${index + 1}. ${printable(action)}`),
  ];
}

function line(label: string, value: string): string {
  return `${label.padEnd(LABEL_WIDTH)}: ${printable(value)}`;
}

function imageLines(label: string, image: ImageStatus | undefined, what: string): readonly string[] {
  if (image === undefined) return [line(label, 'not known')];
  const signed = signedText(image).padEnd(SIGNED_WIDTH);
  return [line(label, image.name), line('    Signed with', `${signed}${image.isReady ? 'OK' : what}`)];
}

function signedText({ signedWith }: ImageInUse): string {
  if (signedWith.length === 0) return 'no valid key';
  return signedWith.map(({ type, version }) => `${type} key version ${version}`).join(', ');
}

function runningText(image: ImageInUse): string {
  return `${image.name} (${image.type}, ${signedText(image)})`;
}

function verdict(actions: number): string {
  if (actions === 0) return 'READY';
  return `NOT READY - ${actions} ${actions === 1 ? 'action' : 'actions'}`;
}
