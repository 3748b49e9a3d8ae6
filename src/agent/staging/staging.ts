/**
 * Files that travel with jobs, at the agent: which jobs' files are on the way here, which ends wait for files to be on
 * their way back, and which folders may go. Few at a time; nothing else waits for them.
 * Invariants: a job with files is submitted only with all of them there; its end is told only after what it left behind
 * is with the server, or cannot be; its folder goes only after the journal has let go of it.
 */
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { RainbowError } from '../../core/errors.ts';
import type { System } from '../../system/system.ts';
import type { FileClient } from '../../sandbox/send.ts';
import type { Holding } from '../holding.ts';
import { entryKey, type Entry } from '../journal.ts';
import { describe, type Log } from '../log.ts';
import { keyText, type JobKey, type Order, type Runner } from '../runners/runner.ts';
import { removeTree } from '../remove-as.ts';
import type { ReachedHook } from '../sentinels.ts';
import { wait } from '../wait.ts';
import { collect } from './collect.ts';
import { placeOf, type SandboxOwner } from './order.ts';
import { makeFolder, stageIn } from './stage-in.ts';

export interface Staging {
  /** The order with its files in place; null: they are on their way, and `placed` is called. Throws what keeps them away. */
  prepared(order: Order): Order | null;
  /** Nothing of it is still to be brought to the server. */
  isCollected(entry: Entry): boolean;
  /** Its entry changed, or is gone. */
  changed(key: JobKey): void;
  /** Resolves when nothing is under way. */
  close(): Promise<void>;
}

export interface StagingParts {
  readonly client: FileClient;
  readonly cluster: string;
  readonly secret: string;
  /** Where sandboxes are made; nobody else's things are there. */
  readonly folder: string;
  readonly holding: Holding;
  readonly runner: Pick<Runner, 'ownerOf'>;
  readonly system: System;
  readonly log: Log;
  readonly reached: ReachedHook;
  readonly placed: () => void;
  readonly collected: (key: JobKey) => void;
}

/** Jobs whose files come, or go, at once. */
const AT_ONCE = 2;
const FIRST_WAIT_MS = 250;
const LAST_WAIT_MS = 15_000;
/** How often a folder that changes while it is read is looked at. */
const LOOKS = 5;
/**
 * What asking again may mend. Also not being let in: the server may for a moment be one with another store, and where it
 * is for good, the agent's own stream says so and ends it.
 */
const PASSING: ReadonlySet<string> = new Set([
  'unavailable',
  'deadline_exceeded',
  'unauthenticated',
  'permission_denied',
]);

interface Work {
  readonly ending: AbortController;
  done: Promise<void>;
  state: 'under way' | 'done' | { readonly error: RainbowError };
}

/** After the journal was read: what is in the folder and not in it goes. */
export async function openStaging(parts: StagingParts): Promise<Staging> {
  await makeFolder(parts.folder);
  // Nothing is written or read through a link: the way to it may have some.
  const real = await realpath(parts.folder);
  for (const name of await readdir(real)) {
    const [, jobId = '', epoch = ''] = /^(\d+)\.(\d+)$/.exec(name) ?? [];
    if (parts.holding.get({ jobId, epoch: Number(epoch) }) !== null) continue;
    await removeTree(join(real, name)).catch((error: unknown) =>
      parts.log.warn(`${join(real, name)} could not be removed: ${describe(error)}`),
    );
  }
  return createStaging({ ...parts, real });
}

/** `real`: the folder without links, for what is done here; a job begins at the name that was given, which nodes share. */
function createStaging(parts: StagingParts & { readonly real: string }): Staging {
  const { client, folder, real, holding, system, log, reached } = parts;
  const coming = new Map<string, Work>();
  const going = new Map<string, Work>();
  const removing = new Set<Promise<void>>();
  const slots = { in: createSlots(), out: createSlots() };
  let closed = false;

  const holderOf = ({ jobId, epoch }: JobKey) => ({
    cluster: parts.cluster,
    secret: parts.secret,
    jobId,
    epoch: String(epoch),
  });
  const ownerOf = async (order: Order): Promise<SandboxOwner | null> => (await parts.runner.ownerOf?.(order)) ?? null;

  const begin = (
    works: Map<string, Work>,
    key: JobKey,
    run: (signal: AbortSignal) => Promise<void>,
    told: () => void,
  ): void => {
    const ending = new AbortController();
    const work: Work = { ending, done: Promise.resolve(), state: 'under way' };
    works.set(keyText(key), work);
    work.done = (async () => {
      try {
        await run(ending.signal);
        work.state = 'done';
      } catch (error) {
        work.state = { error: error instanceof RainbowError ? error : new RainbowError('internal', describe(error)) };
      }
      if (!ending.signal.aborted) told();
    })();
  };

  /** Until it is done, or cannot be. Between two tries another has its slot. */
  const persist = async (
    what: string,
    signal: AbortSignal,
    slot: Slots,
    attempt: () => Promise<void>,
  ): Promise<void> => {
    let ms = FIRST_WAIT_MS;
    for (;;) {
      try {
        return await slot(attempt);
      } catch (error) {
        if (signal.aborted || !(error instanceof RainbowError) || !PASSING.has(error.code)) throw error;
        if (ms === LAST_WAIT_MS || ms === FIRST_WAIT_MS) log.warn(`${what}, trying again: ${describe(error)}`);
        await wait(system, ms, signal);
        ms = Math.min(ms * 2, LAST_WAIT_MS);
        if (signal.aborted) throw error;
      }
    }
  };

  const bring = (order: Order): void =>
    begin(
      coming,
      order,
      (signal) =>
        persist(`job ${keyText(order)}: its files did not come`, signal, slots.in, async () => {
          const owner = await ownerOf(order);
          await stageIn({ client, holder: holderOf(order), order, folder: real, owner, reached, signal });
        }),
      parts.placed,
    );

  const takeBack = (order: Order): void => {
    let looks = 0;
    begin(
      going,
      order,
      (signal) =>
        persist(`job ${keyText(order)}: what it left behind could not be sent`, signal, slots.out, async () => {
          try {
            const owner = await ownerOf(order);
            await collect({ client, holder: holderOf(order), order, folder: real, owner, reached, signal });
          } catch (error) {
            looks += 1;
            const changed =
              error instanceof RainbowError && (error.code === 'aborted' || error.code === 'invalid_input');
            if (changed && looks < LOOKS) throw new RainbowError('unavailable', error.message, { cause: error });
            throw error;
          }
        }).catch(async (error: unknown) => {
          if (signal.aborted) return;
          // Its end is told all the same, and why there is nothing.
          log.warn(`job ${keyText(order)}: what it left behind is not brought back: ${describe(error)}`);
          const notes = [`nothing: ${describe(error)}`];
          await client.collect({ holder: holderOf(order), files: [], notes }, { signal }).catch(() => undefined);
        }),
      () => parts.collected(order),
    );
  };

  const isToCollect = ({ step, order, report }: Entry): boolean =>
    step === 'held' &&
    order.staging !== undefined &&
    order.staging.out.length > 0 &&
    (report.state === 'completed' || report.state === 'failed' || report.state === 'canceled');

  const forget = (key: JobKey): void => {
    const text = keyText(key);
    const works = [coming.get(text), going.get(text)].filter((work) => work !== undefined);
    coming.delete(text);
    going.delete(text);
    for (const work of works) work.ending.abort();
    const removed = (async () => {
      for (const work of works) await work.done;
      await removeTree(placeOf(real, key).dir);
      await reached('sandboxRemoved', key);
    })().catch((error: unknown) => log.warn(`job ${text}: its folder could not be removed: ${describe(error)}`));
    removing.add(removed);
    void removed.finally(() => removing.delete(removed));
  };

  const changed = (key: JobKey): void => {
    if (closed) return;
    const entry = holding.get(key);
    if (entry === null) {
      if (staged.delete(keyText(key))) forget(key);
      return;
    }
    if (entry.order.staging === undefined) return;
    staged.add(keyText(key));
    if (isToCollect(entry) && !going.has(keyText(key))) takeBack(entry.order);
  };
  /** Jobs with files that are held. */
  const staged = new Set<string>();
  for (const entry of holding.all()) changed(entryKey(entry));

  return {
    prepared(order) {
      if (order.staging === undefined) return order;
      const text = keyText(order);
      const work = coming.get(text);
      if (work === undefined) bring(order);
      else if (work.state === 'done') return { ...order, sandbox: placeOf(folder, order).sandbox };
      else if (work.state !== 'under way') {
        coming.delete(text);
        const { code, message } = work.state.error;
        throw new RainbowError(code, `its files could not be brought here: ${message}`);
      }
      return null;
    },
    isCollected: (entry) =>
      !isToCollect(entry) || (going.get(keyText(entryKey(entry)))?.state ?? 'under way') !== 'under way',
    changed,
    async close() {
      closed = true;
      const works = [...coming.values(), ...going.values()];
      for (const work of works) work.ending.abort();
      await Promise.all([...works.map(({ done }) => done), ...removing]);
    },
  };
}

type Slots = (run: () => Promise<void>) => Promise<void>;

/** Runs so many at once, the others in the order in which they came. */
function createSlots(): Slots {
  const waiting: (() => void)[] = [];
  let free = AT_ONCE;
  return async (run) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
