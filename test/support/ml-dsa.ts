import { generateKeyPairSync } from 'node:crypto';

function detect(): boolean {
  try {
    (generateKeyPairSync as unknown as (type: string) => unknown)('ml-dsa-44');
    return true;
  } catch {
    return false;
  }
}

/** Whether this Node has ML-DSA: 24 and newer do. */
export const hasMlDsa: boolean = detect();
