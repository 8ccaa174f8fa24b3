import type { ChangeableType, CopyName } from './records.ts';

/** What a key command does, step by step. {@link keyEventLines} in transcript.ts gives the lines of the device. */
export type KeyEvent =
  | { readonly event: 'validating-running-image' }
  | { readonly event: 'validating-new-key'; readonly type: ChangeableType }
  | { readonly event: 'adding'; readonly copy: CopyName }
  | { readonly event: 'checking-for-duplicates' }
  /** The copy has the key already. */
  | { readonly event: 'already-present'; readonly copy: CopyName; readonly version: string }
  | { readonly event: 'written'; readonly outcome: 'success' | 'failed' }
  | { readonly event: 'finding-new-key'; readonly type: ChangeableType }
  /** All versions below this one are going to be revoked. */
  | { readonly event: 'revoking-below'; readonly version: string }
  | { readonly event: 'validating-rommon' }
  | { readonly event: 'scanning'; readonly copy: CopyName }
  | { readonly event: 'revoked'; readonly version: string; readonly outcome: 'success' | 'failed' }
  /** A special key that only a revoked production key has vouched for is not used any more. */
  | { readonly event: 'lost-proof'; readonly version: string }
  /** A write has failed. What is there is the old state or the new one. */
  | { readonly event: 'not-updated'; readonly copy: CopyName | 'nvram' }
  /** There was nothing left to do. */
  | { readonly event: 'no-change' }
  | { readonly event: 'done' }
  /** The upgradable ROMmon is a special one: told after a revocation of special keys. */
  | { readonly event: 'special-rommon'; readonly version: string };

/** Told what happens, in order. */
export type KeyObserver = (event: KeyEvent) => void;

/** What a platform can do. */
export interface PlatformProfile {
  /** False where keys are neither added nor revoked, and everything else is as elsewhere. */
  readonly keyRevocation: boolean;
}
