import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { coresJob } from '../../scheduler/testing/rig.ts';
import { brought, cancel, connected, open, rig, settle, state } from './testing/served.ts';

beforeEach(async () => {
  await open();
});
afterEach(async () => {
  await rig.close();
});

describe('cancel', () => {
  test.each(['received', 'accepted', 'running'] as const)(
    'of a %s job is asked, and done when the agent confirms',
    async (stage) => {
      const agent = await connected();
      const job = await brought(agent, stage);
      const asked = await cancel(job.id);
      expect(asked).toMatchObject({ state: stage, cancelRequestedAt: rig.system.clock.now() });
      expect(await cancel(job.id)).toMatchObject({ state: stage });
      await settle();
      expect(agent.stops()[0]).toEqual({ jobId: job.id, epoch: '1' });
      agent.report(job.id, 1, 'canceled');
      await settle();
      expect(await rig.job(job.id)).toMatchObject({ state: 'canceled', reason: { code: 'user' } });
      expect(await cancel(job.id)).toMatchObject({ state: 'canceled' });
      expect(rig.freeCores('K')).toBe(36);
    },
  );

  test('is told again after a break, until it is confirmed; a job that ends by itself keeps its end', async () => {
    const agent = await connected();
    const job = await brought(agent, 'running');
    agent.drop();
    await cancel(job.id);
    agent.connect();
    await settle();
    expect(agent.stops()).toEqual([{ jobId: job.id, epoch: '1' }]);
    agent.drop();
    agent.connect();
    await settle();
    expect(agent.stops()).toEqual([{ jobId: job.id, epoch: '1' }]);
    agent.report(job.id, 1, 'completed', { exitCode: 0 });
    await settle();
    expect(await rig.job(job.id)).toMatchObject({ state: 'completed', exitCode: 0 });
  });

  test('of a job that its agent lost or gives back ends it instead of placing it again', async () => {
    const agent = await connected();
    const [lost, refused] = [await brought(agent, 'received'), await brought(agent, 'received')];
    await cancel(lost.id);
    await cancel(refused.id);
    await settle();
    agent.report(refused.id, 1, 'pending');
    await settle();
    agent.drop();
    agent.journal.clear();
    agent.connect();
    await settle();
    expect([await state(lost.id), await state(refused.id)]).toEqual(['canceled', 'canceled']);
    expect(rig.freeCores('K')).toBe(36);
  });

  test('that overtakes the hand-over still reaches the agent after the Start', async () => {
    const agent = await connected();
    const before = { ...rig.store.jobs };
    const late = Promise.withResolvers<void>();
    Object.assign(rig.store.jobs, {
      receive: async (...asked: Parameters<typeof before.receive>) => {
        const jobs = await before.receive(...asked);
        await late.promise; // Committed, and the answer is on its way.
        return jobs;
      },
    });
    const { job } = await rig.submit(coresJob({}));
    await settle();
    expect(await cancel(job.id)).toMatchObject({ state: 'received' });
    late.resolve();
    await settle();
    const order = agent.heard.flatMap(({ message }) =>
      message?.case === 'start' || message?.case === 'stop' ? [message.case] : [],
    );
    expect(order.at(-1)).toBe('stop');
    expect(order).toContain('start');
  });
});
