import type { PreparedConfig } from '../../server/config/prepare.ts';
import type { SessionReport, TransferReport } from '../../server/control/protocol.ts';
import type { ListenAddress } from '../../server/listen-address.ts';
import type { ListenOn } from '../../server/listeners.ts';
import type { Snapshot } from '../../server/metrics/exposition.ts';

/** A configuration with the place that it is used in. */
export interface Deployment {
  readonly prepared: PreparedConfig;
  /** The text it was read from: other processes read it from here, so that all have the same. */
  readonly text: string;
  /** Sockets that were handed over; they replace the addresses of the configuration. */
  readonly inherited: readonly ListenOn[];
  /** All levels are logged, whatever the configuration says. */
  readonly verbose: boolean;
}

/** Whoever serves: this process, or several. */
export interface Fleet {
  readonly workers: number;
  readonly addresses: readonly ListenAddress[];
  sessions(): Promise<readonly SessionReport[]>;
  transfers(): Promise<readonly TransferReport[]>;
  kick(id: string): Promise<boolean>;
  snapshot(): Promise<Snapshot>;
  /** @throws where the new configuration cannot be used: then nothing has changed */
  reload(deployment: Deployment): Promise<void>;
  /** Opens logs and records anew by their names: somebody has moved them away. What fails is told, and goes on in the old file. Never rejects. */
  reopen(): Promise<void>;
  /** Stops: idle connections end, transfers have this long to finish. */
  close(graceMs: number): Promise<void>;
}
