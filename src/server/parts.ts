/** What every handler is given. Made once, in serve.ts. */
import type { Logger } from 'pino';
import type { Scheduler } from '../scheduler/scheduler.ts';
import type { Store } from '../store/store.ts';
import type { System } from '../system/system.ts';
import type { Authenticator } from './authenticate.ts';
import type { Followers } from './followers.ts';
import type { Images } from './images/images.ts';
import type { FileSettings } from './files/settings.ts';
import type { SubmitLimit } from './limits.ts';

export interface Parts {
  readonly store: Store;
  readonly scheduler: Scheduler;
  readonly system: System;
  readonly authenticator: Authenticator;
  readonly settings: Settings;
  readonly submitLimit: SubmitLimit;
  readonly followers: Followers;
  readonly images: Images;
  /** Never given a secret, a token or a user key. */
  readonly log: Logger;
}

/** What an operator decides, as handlers see it. */
export interface Settings {
  /** The server's name, for those who ask. */
  readonly name: string;
  readonly version: string;
  /** The selection policy where a submit names none, or may not. */
  readonly policy: string;
  readonly policyOptions: Readonly<Record<string, string>>;
  readonly clientMayChoosePolicy: boolean;
  /** Only one of these; null: any. */
  readonly allowedPolicies: readonly string[] | null;
  /** One token for every cluster that registers, instead of a random one each; null: random. */
  readonly globalToken: string | null;
  /** How long a polling client may hold a job that it has not accepted, in milliseconds. */
  readonly leaseMs: number;
  /** How long ended jobs are kept, in words: `for 30 days`; '' where it is for ever. */
  readonly retention: string;
  /** Bytes of each task's stream that a job may ask to be kept. */
  readonly outputCapMax: number;
  readonly files: FileSettings;
}
