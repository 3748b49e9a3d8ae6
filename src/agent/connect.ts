/**
 * Keeps one stream to the server, for ever: says Hello with everything that is held, then serves the stream until it
 * breaks, then waits (jittered, doubling) and says Hello anew, to another server where there are several.
 * Reconciliation, not deltas.
 * Invariant: what an old stream said is never acted on after the next Hello is made: its messages are dropped with
 * the stream, and Hello is made only once nothing of it is being journaled.
 */
import { RainbowError } from '../core/errors.ts';
import type { System } from '../system/system.ts';
import { describe, type Log } from './log.ts';
import type { FromServer, Hello, ToServer, Uplink } from './messages.ts';
import { createOutbox } from './outbox.ts';
import { wait } from './wait.ts';
import type { Send } from './report.ts';

export interface ConnectParts {
  readonly uplink: Uplink;
  readonly system: System;
  readonly log: Log;
  /** Resolves when nothing of the last stream is under way any more; everything held is in it. */
  readonly hello: () => Promise<Hello>;
  readonly capacity: () => number;
  readonly connected: (send: Send) => void;
  readonly disconnected: () => void;
  readonly handle: (message: FromServer) => void;
}

const FIRST_WAIT_MS = 200;
/** After a stream that was served: all agents of a server that died come within this time, not at once. */
const SPREAD_MS = 1_000;
const LAST_WAIT_MS = 15_000;
/** For a Welcome, connecting included: soon given up at first, where a server hangs; longer where many come at once. */
const FIRST_WELCOME_MS = 5_000;
const LAST_WELCOME_MS = 30_000;
const MISSED = 3;

/** How it ended, where nothing went wrong: told to, or the server has deleted the cluster. */
export type Ending = 'told' | 'deleted';

/**
 * Resolves when the signal aborts, or when the cluster was deleted; throws RainbowError where connecting again cannot
 * help. `deleted` is certain: a server says `not_found` only on a stream that it has let in, and after its Welcome only
 * because the cluster was deleted under it. An agent that is not let in learns no more than that.
 */
export async function stayConnected(parts: ConnectParts, signal: AbortSignal): Promise<Ending> {
  const { system, log } = parts;
  let attempt = 0;
  while (!signal.aborted) {
    let welcomed = false;
    try {
      await oneStream(parts, signal, Math.min(FIRST_WELCOME_MS * 2 ** attempt, LAST_WELCOME_MS), () => {
        welcomed = true;
        attempt = 0;
      });
      if (!signal.aborted) log.info('the server ended the stream; connecting again');
    } catch (error) {
      if (signal.aborted) return 'told';
      if (welcomed && error instanceof RainbowError && error.code === 'not_found') return 'deleted';
      const final = finalError(error);
      if (final !== null) throw final;
      // Said once per outage, not with every try.
      if (welcomed || attempt === 0) log.warn(`${describe(error)}; jobs go on, trying again`);
    }
    if (signal.aborted) return 'told';
    parts.uplink.elsewhere?.();
    const ms = Math.min(FIRST_WAIT_MS * 2 ** attempt, LAST_WAIT_MS);
    attempt = Math.min(attempt + 1, 20);
    await wait(system, welcomed ? SPREAD_MS * fraction(system) : ms * (0.5 + fraction(system) / 2), signal);
  }
  return 'told';
}

async function oneStream(
  parts: ConnectParts,
  signal: AbortSignal,
  welcomeMs: number,
  welcomed: () => void,
): Promise<void> {
  const { system } = parts;
  const { clock, timers } = system;
  const hello = await parts.hello();
  if (signal.aborted) return;
  const outbox = createOutbox<ToServer>();
  const ending = new AbortController();
  let silent: RainbowError | null = null;
  let live = false;
  let heardAt = clock.monotonic();
  let limitMs = welcomeMs;
  let beatMs = 0;
  const end = (): void => ending.abort();
  signal.addEventListener('abort', end, { once: true });

  const watchdog = timers.every(1000, () => {
    const silentMs = clock.monotonic() - heardAt;
    if (silentMs <= limitMs) return;
    silent = new RainbowError('unavailable', `nothing heard from the server for ${Math.round(silentMs / 1000)} s`);
    end();
  });
  let beat = { cancel: (): void => undefined };

  outbox.put({ kind: 'hello', hello });
  try {
    for await (const message of parts.uplink.open(outbox.messages(), ending.signal)) {
      if (ending.signal.aborted) break;
      heardAt = clock.monotonic();
      if (message.kind === 'welcome') {
        if (live) continue;
        live = true;
        welcomed();
        beatMs = Math.max(100, message.heartbeat * 1000);
        // It beats as often as it asks the agent to; one that hangs from here on is given up as well.
        limitMs = MISSED * beatMs;
        beat = timers.every(beatMs, () =>
          outbox.put({ kind: 'heartbeat', at: clock.now(), capacity: parts.capacity() }, 'heartbeat'),
        );
        parts.log.info(`connected to the server (version ${message.serverVersion || 'unknown'})`);
        parts.connected((said, key) => outbox.put(said, key));
      } else if (live && message.kind !== 'heartbeat') {
        parts.handle(message);
      }
    }
    if (silent !== null) throw silent as RainbowError;
  } catch (error) {
    throw silent ?? error;
  } finally {
    signal.removeEventListener('abort', end);
    watchdog.cancel();
    beat.cancel();
    outbox.end();
    ending.abort();
    if (live) parts.disconnected();
  }
}

/** What connecting again cannot mend, in words that say what to do; null for everything else. */
function finalError(error: unknown): RainbowError | null {
  if (!(error instanceof RainbowError)) return null;
  switch (error.code) {
    case 'unauthenticated':
    case 'permission_denied':
      return new RainbowError(
        error.code,
        `the server does not let this agent in (${error.message}): check --cluster-name and --secret, which registering the cluster printed once; where both are right, the server may have another store than the one that the cluster is registered in (its --db): start the agent again when it has that one`,
        { cause: error },
      );
    case 'failed_precondition':
    case 'unimplemented':
    case 'not_found':
      return error;
    default:
      return null;
  }
}

/** In [0, 1). */
function fraction(system: System): number {
  const [a = 0, b = 0, c = 0] = system.entropy.bytes(3);
  return (a * 65_536 + b * 256 + c) / 16_777_216;
}
