/**
 * `jobs --watch`: what is shown, shown again as things happen. The stream of events says when; what is asked for then is
 * the list itself, so nothing has to be put together here. On a terminal the screen is drawn anew, at most five times a
 * second; in a pipe or a file the list comes once and then a line for each event.
 */
import type { RainbowClient } from '../client/client.ts';
import type { Event } from '../gen/rainbow/v1/job_pb.js';
import { Stopped } from './exit.ts';
import type { Invocation } from './invocation.ts';
import { eventLine } from './present/event.ts';
import { followEvents, passed } from './wait.ts';

/** Between two drawings. */
const PAUSE_MS = 200;
/** Without any event: times are told as "3 min ago". */
const STALE_MS = 10_000;

export async function watchJobs(
  invocation: Invocation,
  client: RainbowClient,
  signal: AbortSignal,
  show: () => Promise<string>,
): Promise<never> {
  const { io, paint } = invocation;
  if (!io.stdout.isTTY) {
    invocation.print(await show());
    await followFromNow(invocation, client, (event) => invocation.print(eventLine(paint, event)));
    throw new Stopped();
  }
  const changes = new Changes(io.system.timers);
  const following = followFromNow(invocation, client, () => changes.tell());
  const failed = following.catch((error: unknown) => {
    changes.tell();
    throw error;
  });
  // It is looked at below; until then it is nobody's unhandled one.
  failed.catch(() => undefined);
  for (;;) {
    io.stdout.write(`\u001b[2J\u001b[H${await show()}\n`);
    await passed({ system: io.system, signal }, PAUSE_MS);
    await Promise.race([changes.next(STALE_MS, signal), failed]);
    if (io.signal.aborted) throw new Stopped();
  }
}

/** The first look at the list comes after the stream has begun only by chance: what falls between is seen at the next. */
async function followFromNow(
  invocation: Invocation,
  client: RainbowClient,
  onEvent: (event: Event) => void,
): Promise<void> {
  await followEvents(invocation, client, { jobId: '0', afterSeq: '0', fromNow: true }, (event) => {
    onEvent(event);
    return false;
  });
}

/** Many changes until the next look are one. */
class Changes {
  readonly #timers: Invocation['io']['system']['timers'];
  #changed = false;
  #wake: (() => void) | null = null;

  constructor(timers: Invocation['io']['system']['timers']) {
    this.#timers = timers;
  }

  tell(): void {
    this.#changed = true;
    this.#wake?.();
  }

  /** Resolves after a change since the last call, after `ms`, or when `signal` aborts. */
  async next(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#changed && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const end = (): void => {
          timer.cancel();
          signal.removeEventListener('abort', end);
          this.#wake = null;
          resolve();
        };
        const timer = this.#timers.after(ms, end);
        this.#wake = end;
        signal.addEventListener('abort', end);
      });
    }
    this.#changed = false;
  }
}
