/**
 * What stands between the store's calls and the database that runs them: one function. An engine may be a thread,
 * this thread, or a pool of connections; `store-over-engine.ts` makes the store of any.
 */
import type { OwnEvents } from './postgres/own-events.ts';
import type { Whisper } from './server-store.ts';
import type { JobId } from './store.ts';
import type { Arguments, OperationName, Result } from './operations/operations.ts';

export interface Engine {
  /** Resolves after the commit that holds it. */
  call<N extends OperationName>(name: N, args: Arguments<N>): Promise<Result<N>>;
  /** Waits for what is under way, then closes. Again: the same promise. */
  close(): Promise<void>;
  /** `news` is called after each commit that wrote events, with the newest number. One listener. */
  onEvents(news: (seq: number) => void): void;
  /**
   * Where others write to the same database: `news` is called after a commit of theirs that wrote output of this
   * job; with null, when perhaps it was of any. One listener.
   */
  onOutput?(news: (job: JobId | null) => void): void;
  /** Where others write to the same database: whose events are this engine's own. */
  readonly own?: OwnEvents;
  /** Where others write to the same database: `hear` is called when they changed what the name says. One listener. */
  onWhisper?(hear: (whisper: Whisper) => void): void;
  /** The name under which letters come. */
  listenAs?(receiver: string): void;
}
