/** What is taken, where the answer to the write that took it comes after what became of the job. */
import { expect, onTestFinished, test } from 'vitest';
import { openRig, type Rig } from './testing/rig.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { until } from '../system/testing/until.ts';

/** One core; what is submitted is stored at once, and answered when `answer` is called. */
async function lateRig(): Promise<{ rig: Rig; answer: () => void }> {
  const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
  const rig = await openRig({
    openStore: async (at, system): Promise<Store> => {
      const store = await openStore(at, system);
      const submit: Store['jobs']['submit'] = async (job) => {
        const written = await store.jobs.submit(job);
        await mayAnswer;
        return written;
      };
      return { ...store, jobs: { ...store.jobs, submit } };
    },
  });
  onTestFinished(() => rig.close());
  await rig.cluster('red', 1, 1);
  return { rig, answer };
}

const stored = (rig: Rig) => until('it is stored', async () => (await rig.store.jobs.get('1'))?.state === 'assigned');

test('a job that was canceled before its submit was answered takes nothing', async () => {
  const { rig, answer } = await lateRig();
  const submitting = rig.submit({});
  await stored(rig);
  expect(await rig.scheduler.cancel('1', { code: 'user', message: '' })).toMatchObject({ state: 'canceled' });
  expect(rig.freeCores('red')).toBe(0);
  answer();
  await submitting;
  expect(rig.freeCores('red')).toBe(1);
  expect((await rig.submit({})).job.state).toBe('assigned');
  expect(rig.freeCores('red')).toBe(0);
});

test('one that was received before its submit was answered keeps what it takes', async () => {
  const { rig, answer } = await lateRig();
  const submitting = rig.submit({});
  await stored(rig);
  expect(await rig.receive('red', 1, null)).toMatchObject([{ id: '1' }]);
  answer();
  await submitting;
  expect(rig.freeCores('red')).toBe(0);
});
