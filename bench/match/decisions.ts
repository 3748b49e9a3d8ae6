/**
 * Row 3 for the scheduler's own submit and match: every one of 10,000 clusters is a candidate and gets its answer, and
 * what is worked out are the 200 looks that they have.
 */
import { createHash } from 'node:crypto';
import { generateGraph } from '../../src/core/graph/generate.ts';
import type { Jobspec } from '../../src/core/jobspec/jobspec.ts';
import { readJobspec } from '../../src/core/jobspec/read.ts';
import { createMatcher } from '../../src/core/match/create.ts';
import type { Matcher } from '../../src/core/match/matcher.ts';
import { createScheduler } from '../../src/scheduler/create.ts';
import { silentLog } from '../../src/scheduler/log.ts';
import type { Scheduler } from '../../src/scheduler/scheduler.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { simulatedSystem } from '../../src/system/simulated.ts';
import { cpu, inTurns } from './measure.ts';
import { report, reportRounds } from './report.ts';

interface Served {
  readonly scheduler: Scheduler;
  readonly matcher: Matcher;
  readonly store: Store;
  readonly names: readonly string[];
}

const hash = (text: string): Uint8Array => createHash('sha256').update(text).digest();
const graphs = Array.from({ length: 200 }, (_, i) =>
  generateGraph({ name: 'some', nodes: 1 + (i % 10), coresPerNode: 4 + Math.floor(i / 10) }),
);

async function serve(clusters: number): Promise<Served> {
  const system = simulatedSystem({ seed: 'decisions' });
  const store = await openStore(':memory:', system);
  const matcher = createMatcher();
  const scheduler = createScheduler({ store, matcher, system, log: silentLog });
  const names = Array.from({ length: clusters }, (_, i) => `c${i}`);
  for (const [i, name] of names.entries()) {
    const graph = graphs[i % 200] as string;
    const hashes = { secretHash: hash(`${name} secret`), tokenHash: hash(`${name} token`) };
    await scheduler.registry.register({ name, graph, ...hashes });
  }
  return { scheduler, matcher, store, names };
}

function jobspec(number: number): Jobspec {
  const slot = { type: 'slot', count: 1, label: 'task', with: [{ type: 'core', count: 5 + (number % 13) }] };
  const text = JSON.stringify({
    version: 1,
    resources: [{ type: 'node', count: 1 + (number % 5), with: [slot] }],
    tasks: [{ command: ['app'], slot: 'task', count: { per_slot: 1 } }],
    attributes: { system: { duration: 60 } },
  });
  return readJobspec(text, { format: 'json' });
}

export async function decisionRows(rounds: number): Promise<void> {
  const many = await serve(10_000);
  const few = await serve(200);
  let number = 0;
  const match = ({ scheduler, names }: Served): number => {
    const asked = jobspec(number++);
    let fitting = 0;
    const time = cpu(() => {
      for (const { satisfiable } of scheduler.match(asked, names)) if (satisfiable.fits === 'yes') fitting++;
    });
    if (fitting === 0) throw new Error('nothing fits');
    return time;
  };
  for (let i = 0; i < 40; i++) [many, few].forEach(match);
  const worked = [many, few].map(({ matcher }) => matcher.answered);
  const [onMany, onFew] = inTurns(rounds, [() => match(many), () => match(few)]) as [number[], number[]];
  const [manyMade, fewMade] = [many, few].map(({ matcher }, i) => (matcher.answered - (worked[i] as number)) / rounds);
  report('3 verdicts', String(manyMade), String(fewMade), (manyMade as number) / (fewMade as number));
  reportRounds('3 pass', onMany, onFew);
  for (const { scheduler, store } of [many, few]) {
    await scheduler.stop();
    await store.close();
  }
}
