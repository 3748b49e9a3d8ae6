/**
 * Servers on one PostgreSQL, killed and stopped at random, and PostgreSQL restarted, under load. The long form
 * (RAINBOW_SOAK): 50 agents, 20,000 jobs, 20 kills and 20 stops of each server, 3 restarts. Every twentieth submit is an
 * array.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { seededRandom } from '../../src/core/random.ts';
import { openStore } from '../../src/store/open.ts';
import { localPostgres } from '../../src/store/testing/postgres.ts';
import { realSystem } from '../../src/system/real.ts';
import { skipWithout } from '../needs.ts';
import { expectEndedOnce, left } from './ended-once.ts';
import { openFleet, type Fleet } from './fleet.ts';
import { nextVersion, thisVersion } from './versions.ts';

const { postgres, missing } = await localPostgres();
afterAll(() => postgres?.remove());

const soak = process.env['RAINBOW_SOAK'] !== undefined;
const SIZE = soak
  ? { agents: 50, jobs: 20_000, kills: 20, stops: 20, restarts: 3, stopMs: 12_000 }
  : { agents: 10, jobs: 200, kills: 2, stops: 2, restarts: 1, stopMs: 3_000 };
const LIMIT = soak ? 3_600_000 : 600_000;
const SUBMITTERS = 8;

interface Place {
  readonly fleet: Fleet;
  readonly url: string;
}

async function place(servers: number): Promise<Place> {
  const url = await postgres!.newDatabase();
  // A long run is of one version, whatever becomes of the sources meanwhile.
  const copy = soak ? await thisVersion() : null;
  if (copy !== null) onTestFinished(() => copy.remove());
  const fleet = await openFleet(url, servers, () => (copy === null ? {} : { program: copy.program }));
  onTestFinished(() => fleet.close());
  return { fleet, url };
}

/** Every so many submits an array of so many tasks. */
const ARRAY_EVERY = 20;
const TASKS = 5;

/** All submitted, one after the other by some submitters; `paceMs` apart. Resolves to the ids of jobs and tasks. */
async function submitAll(fleet: Fleet, jobs: number, paceMs: number): Promise<string[]> {
  const ids: string[] = [];
  let next = 0;
  const submitter = async (): Promise<void> => {
    while (next < jobs) {
      const number = next++;
      const key = `job-${number}`;
      if (number % ARRAY_EVERY === ARRAY_EVERY - 1) ids.push(...(await fleet.submitArray(key, TASKS)));
      else ids.push(await fleet.submit(key));
      await pause(paceMs);
    }
  };
  await Promise.all(Array.from({ length: SUBMITTERS }, submitter));
  return ids;
}

async function untilEnded({ url, fleet }: Place, ids: readonly string[]): Promise<void> {
  const store = await openStore(url, realSystem);
  try {
    let open = await left(store, ids);
    for (let since = Date.now(); open > 0; open = await left(store, ids)) {
      if (Date.now() - since > LIMIT / 2)
        throw new Error(`${open} jobs never ended\n${fleet.said.slice(-30).join('\n')}`);
      await pause(200);
    }
    await expectEndedOnce(store, fleet, ids);
  } finally {
    await store.close();
  }
}

describe.skipIf(skipWithout('postgres', missing))('servers on one PostgreSQL', () => {
  test(
    'killed, stopped, and the database restarted: every acknowledged job ends once, and runs once',
    async () => {
      const here = await place(2);
      const { fleet } = here;
      const random = seededRandom(process.env['RAINBOW_SEED'] ?? 'fleet');
      const below = (most: number): number => random.below(most);
      await fleet.agents(SIZE.agents, () => 20 + Math.random() * 100);

      const torments = [
        ...fleet.machines.flatMap((machine) => [
          ...Array.from({ length: SIZE.kills }, () => async () => {
            await machine.kill();
            await pause(below(500));
            await machine.start();
          }),
          ...Array.from({ length: SIZE.stops }, () => () => machine.hang(SIZE.stopMs)),
        ]),
        ...Array.from({ length: SIZE.restarts }, () => async () => {
          await postgres!.stop();
          await pause(300 + below(1_000));
          await postgres!.start();
        }),
      ];
      for (let n = torments.length - 1; n > 0; n--) {
        const other = below(n + 1);
        [torments[n], torments[other]] = [torments[other]!, torments[n]!];
      }
      let tormented = false;
      const torment = (async () => {
        for (const act of torments) {
          await pause(300 + below(700));
          await act();
        }
        tormented = true;
      })();
      // As long as there is torment there are submits.
      const pace = soak ? 40 : 400;
      const ids = await submitAll(fleet, SIZE.jobs, pace);
      await torment;
      expect(tormented).toBe(true);
      await untilEnded(here, ids);
    },
    LIMIT,
  );

  test(
    'a rolling upgrade of two servers under load, to one with a newer schema, loses nothing',
    async () => {
      const here = await place(2);
      const { fleet } = here;
      const next = await nextVersion();
      onTestFinished(() => next.remove());
      await fleet.agents(4, () => 20 + Math.random() * 50);
      const submitting = submitAll(fleet, 120, 250);
      for (const machine of fleet.machines) {
        await pause(500);
        await machine.end();
        await machine.start(next.program);
      }
      const ids = await submitting;
      expect(ids).toHaveLength(120 + (120 / ARRAY_EVERY) * (TASKS - 1));
      await expect(openStore(here.url, realSystem)).rejects.toThrow(`schema ${next.schema}, made by a newer Rainbow`);
      await back(here.url);
      await untilEnded(here, ids);
    },
    LIMIT,
  );
});

/** So that this version reads what the next one left. */
async function back(url: string): Promise<void> {
  const database = await postgres!.connect(url);
  await database.command('DELETE FROM schema_versions WHERE number = (SELECT MAX(number) FROM schema_versions)');
  await database.close();
}
