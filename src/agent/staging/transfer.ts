/** One order's files on their way, to its sandbox (stage-in.ts) or back from it (collect.ts). */
import type { FileClient, Holder } from '../../sandbox/send.ts';
import type { Order } from '../runners/runner.ts';
import type { ReachedHook } from '../sentinels.ts';
import type { SandboxOwner } from './order.ts';

export interface Transfer {
  readonly client: FileClient;
  readonly holder: Holder;
  readonly order: Order;
  /** Where this agent keeps sandboxes; absolute. */
  readonly folder: string;
  /** Null: the jobs' user is the agent's. */
  readonly owner: SandboxOwner | null;
  readonly reached: ReachedHook;
  readonly signal: AbortSignal;
}
