/** What a job's owner asked for beside the jobspec; what is left out is as the server does it. */
import type { Staging } from '../staging/staging.ts';
import type { RetryPolicy } from './retry.ts';

export interface Handling {
  /** Tried again after these failures; never without it. */
  readonly retry?: RetryPolicy;
  /** Seconds after which a job that its cluster's agent leaves lying goes elsewhere. */
  readonly returnAfter?: number;
  /** Bytes that are kept of each task's standard output, and of its standard error. */
  readonly outputCap?: number;
  /** Files that travel with it. */
  readonly staging?: Staging;
}

/** Nothing asked for. */
export const NO_HANDLING: Handling = {};

export function isNoHandling(handling: Handling): boolean {
  return Object.keys(handling).length === 0;
}
