/** Servers whose machines do not agree on the time, and what only one of them does: as processes of their own. */
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { JobState } from '../../src/gen/rainbow/v1/job_pb.js';
import { localPostgres } from '../../src/store/testing/postgres.ts';
import { skipWithout } from '../needs.ts';
import { buried, openFleet, type Fleet, type Machine } from './fleet.ts';
import { untilHolds } from '../../src/system/testing/until.ts';

const HOUR = 3_600_000;

const { postgres, missing } = await localPostgres();
afterAll(() => postgres?.remove());

async function pair(ahead: number): Promise<{ fleet: Fleet; url: string; one: Machine; two: Machine }> {
  const url = await postgres!.newDatabase();
  const fleet = await openFleet(url, 2, (number) => (number === 1 ? { clockAhead: ahead } : {}));
  onTestFinished(() => fleet.close());
  const [one, two] = fleet.machines as [Machine, Machine];
  return { fleet, url, one, two };
}

describe.skipIf(skipWithout('postgres', missing))('a server whose clock is wrong', () => {
  test.each([HOUR, -HOUR])(
    'by %i ms goes by the database’s: nothing begins or returns before its time',
    async (ahead) => {
      const { fleet, url, one, two } = await pair(ahead);
      const { secret } = await fleet.register('red');
      await untilHolds(async () => expect((await two.client.clusters.list({})).clusters).toHaveLength(1));
      // Under a lease of thirty seconds, of a client that polls.
      const { job: leased } = await one.client.jobs.submit({ jobspec: fleet.jobspec });
      await one.client.prototype.receiveJobs({ cluster: 'red', secret, maxJobs: 1 });
      expect((await one.client.jobs.get({ id: leased!.id })).state).toBe(JobState.RECEIVED);
      // From here on all that time does is done by the one that is wrong.
      await one.kill();
      await buried(postgres!, url, 0);
      for (let n = 0; n < 2; n++) {
        const begin = Date.now() + 1_000;
        const { job } = await two.client.jobs.submit({ jobspec: fleet.jobspec, beginAt: timestampFromMs(begin) });
        expect(Math.abs(timestampMs(job!.submittedAt!) - Date.now())).toBeLessThan(HOUR / 4);
        await untilHolds(async () =>
          expect((await two.client.jobs.get({ id: job!.id })).state).toBe(JobState.ASSIGNED),
        );
        expect(Date.now()).toBeGreaterThanOrEqual(begin - 50);
      }
      expect((await two.client.jobs.get({ id: leased!.id })).state).toBe(JobState.RECEIVED);
    },
  );
});
