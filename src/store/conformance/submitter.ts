/**
 * A process for the durability suite: opens the store and submits jobs, 32 at a time, until it has done its number
 * or is killed. Each acknowledged job is one line, `id key`, written at once: what stands there was promised.
 */
import { realSystem } from '../../system/real.ts';
import { openStore } from '../open.ts';

const [url = '', prefix = '', count = '0'] = process.argv.slice(2);
const store = await openStore(url, realSystem);
process.stdout.write('open\n');

let next = 0;
async function submitUntilDone(): Promise<void> {
  while (next < Number(count)) {
    const key = `${prefix}-${next++}`;
    const { job } = await store.jobs.submit({
      name: key,
      owner: 'user:ada',
      jobspec: 'version: 1\n'.padEnd(512, '#'),
      candidates: [],
      policy: 'random',
      policyOptions: {},
      priority: 0,
      walltime: 60,
      onClusterLoss: 'wait',
      idempotencyKey: key,
      at: 2000,
      outcome: { state: 'pending', reason: { code: 'submitted', message: '' } },
      decision: null,
    });
    // To a pipe this is written before it returns, and waits where the reader is behind.
    process.stdout.write(`${job.id} ${key}\n`);
  }
}
await Promise.all(Array.from({ length: 32 }, submitUntilDone));
await store.close();
