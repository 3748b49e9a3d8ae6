/**
 * Group commit: calls that wait together share one transaction, and are answered after its COMMIT. One that fails
 * takes no other with it:
 *
 * 1. Together, in haste: no savepoints, nothing waited for that nobody reads. Refusals before anything was written
 *    are outcomes like others. This is nearly always all.
 * 2. Where something failed after it had written, all of it is rolled back and done again, each call under a
 *    savepoint of its own. A call that lost a race (two servers, one key) runs again and finds who won.
 * 3. Where two transactions waited for each other, each call is done again in a transaction of its own.
 *
 * Nothing was acknowledged before, so doing it again is safe: operations decide from what they read.
 */
import { RainbowError } from '../../core/errors.ts';
import type { OperationName } from '../operations/operations.ts';
import type { ClusterRef, NewJob } from '../store.ts';
import type { Database } from './database.ts';
import { ConnectionLost, errorOf, isCollision, isLostRace, maybeCommitted, notCommitted } from './failure.ts';
import { changesLockedRows, hasChangedOthers, lockRows } from './lock-rows.ts';
import { letterNotice, outputNotices, standingsNotices, type Voice } from './notices.ts';
import { postgresOperation } from './own-operations.ts';
import { submitJobs } from './submit-jobs.ts';
import { CommitUnknown, Transaction } from './transaction.ts';

export interface Call {
  readonly name: OperationName;
  readonly args: readonly unknown[];
}

export type Outcome = { readonly value: unknown } | { readonly error: RainbowError };

export interface Committed {
  /** In the order of the calls. */
  readonly outcomes: readonly Outcome[];
  /** The newest event written; null where none was. */
  readonly newest: number | null;
  /** The events written: first and last of each commit. */
  readonly wrote: readonly (readonly [number, number])[];
}

/** Calls that share one commit at most, as in sqlite/group-commit.ts. */
export const LARGEST_BATCH = 512;

/** How often a call that meets others is done again before it is refused. */
const TRIES = 5;

/** A call failed after it had written: the haste was wrong. */
class Spoiled extends Error {}

/** Runs the writes. Never rejects; where the connection goes, `database.isLost` says so afterwards. */
export async function runWrites(database: Database, calls: readonly Call[], voice: Voice): Promise<Committed> {
  try {
    return await inHaste(database, calls, voice);
  } catch (error) {
    if (!mayDoAgain(error)) return allFailed(calls, error);
  }
  return inPatience(database, calls, voice);
}

/** Not where PostgreSQL cannot serve anybody now, or has perhaps done it. */
function mayDoAgain(error: unknown): boolean {
  if (error instanceof Spoiled || isCollision(error)) return true;
  if (error instanceof CommitUnknown || error instanceof ConnectionLost) return false;
  return errorOf(error).code !== 'unavailable';
}

function allFailed(calls: readonly Call[], error: unknown): Committed {
  const failure = error instanceof CommitUnknown ? maybeCommitted(error) : notCommitted(error);
  return { outcomes: calls.map(() => ({ error: failure })), newest: null, wrote: [] };
}

async function inHaste(database: Database, calls: readonly Call[], voice: Voice): Promise<Committed> {
  const transaction = Transaction.begin(database, 'hasty');
  try {
    const stored = await lockRows(transaction, calls);
    const outcomes: Outcome[] = [];
    while (outcomes.length < calls.length) {
      const submits = submitsFrom(calls, outcomes.length);
      if (submits.length > 0) outcomes.push(...(await transaction.run(submitJobs(submits, stored))));
      else outcomes.push(await runHastily(transaction, calls[outcomes.length] as Call));
    }
    return await committed(transaction, voice, calls, outcomes);
  } catch (error) {
    await transaction.rollBack();
    if (error instanceof CommitUnknown) throw error;
    // A statement that nobody waited for may have failed before the one that was noticed.
    throw (await transaction.firstFailure()) ?? error;
  }
}

async function committed(
  transaction: Transaction,
  voice: Voice,
  calls: readonly Call[],
  outcomes: readonly Outcome[],
): Promise<Committed> {
  const { events } = transaction;
  const newest = await transaction.commit(voice.channel, notices(voice, calls, outcomes));
  return { outcomes, newest, wrote: newest === null ? [] : [[newest - events + 1, newest]] };
}

/** The submits that stand one after the other from there. */
function submitsFrom(calls: readonly Call[], start: number): NewJob[] {
  const submits: NewJob[] = [];
  for (let index = start; calls[index]?.name === 'submitJob'; index++) submits.push(calls[index]?.args[0] as NewJob);
  return submits;
}

async function runHastily(transaction: Transaction, { name, args }: Call): Promise<Outcome> {
  const before = transaction.writes;
  if (changesLockedRows(name)) transaction.forget();
  try {
    const value = await transaction.run(postgresOperation(name)(...args));
    if (hasChangedOthers(name, value)) transaction.forget();
    return { value };
  } catch (error) {
    if (!(error instanceof RainbowError)) throw error;
    if (transaction.writes > before) throw new Spoiled(`${name} was refused after it had written`, { cause: error });
    return { error };
  }
}

async function inPatience(database: Database, calls: readonly Call[], voice: Voice): Promise<Committed> {
  for (let tries = 1; ; tries++) {
    const transaction = Transaction.begin(database, 'patient');
    try {
      await lockRows(transaction, calls);
      transaction.forget();
      const outcomes: Outcome[] = [];
      for (const call of calls) outcomes.push(await runPatiently(transaction, call));
      return await committed(transaction, voice, calls, outcomes);
    } catch (error) {
      await transaction.rollBack();
      if (!isCollision(error)) return allFailed(calls, error);
      if (calls.length > 1) return eachAlone(database, calls, voice);
      if (tries === TRIES) return allFailed(calls, error);
    }
  }
}

async function eachAlone(database: Database, calls: readonly Call[], voice: Voice): Promise<Committed> {
  const outcomes: Outcome[] = [];
  let newest: number | null = null;
  const wrote: (readonly [number, number])[] = [];
  for (const call of calls) {
    const done = await inPatience(database, [call], voice);
    outcomes.push(...done.outcomes);
    newest = done.newest ?? newest;
    wrote.push(...done.wrote);
  }
  return { outcomes, newest, wrote };
}

/** Throws only where the transaction as a whole is lost. */
async function runPatiently(transaction: Transaction, { name, args }: Call): Promise<Outcome> {
  for (let tries = 1; ; tries++) {
    const events = transaction.events;
    await transaction.command('SAVEPOINT one');
    try {
      const value = await transaction.run(postgresOperation(name)(...args));
      await transaction.command('RELEASE one');
      return { value };
    } catch (error) {
      if (error instanceof ConnectionLost || isCollision(error)) throw error;
      transaction.forgetEventsAfter(events);
      await transaction.command('ROLLBACK TO one; RELEASE one');
      if (!isLostRace(error) || tries === TRIES) return { error: errorOf(error) };
    }
  }
}

/** The stream of a cluster, their first argument, or what is free there. */
const TOLD: ReadonlySet<OperationName> = new Set(['claimStream', 'releaseStream', 'keepFree']);

/** What the other servers are told of output, letters and streams: whose, by whom. Events tell of themselves. */
function notices({ instance }: Voice, calls: readonly Call[], outcomes: readonly Outcome[]): readonly string[] {
  const jobs = new Set<string>();
  const receivers = new Set<string>();
  let standings: Set<number> | null = new Set();
  for (const [index, { name, args }] of calls.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined || 'error' in outcome) continue;
    if (name === 'appendOutput') jobs.add(String(args[0]));
    else if (name === 'sendLetter') receivers.add(String(args[0]));
    else if (TOLD.has(name)) standings?.add((args[0] as ClusterRef).id);
    else if (name === 'endServer') standings = null;
  }
  return [
    ...outputNotices(instance, [...jobs]),
    ...[...receivers].map(letterNotice),
    ...standingsNotices(instance, standings === null ? null : [...standings]),
  ];
}
