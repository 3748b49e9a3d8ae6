/** What must outlive a process: everything that was acknowledged, and nothing by halves. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { realSystem } from '../../system/real.ts';
import { openStore } from '../open.ts';
import type { Store } from '../store.ts';
import { assignedTo, change, newJob, register, submit, TOKEN } from './fixtures.ts';

export interface Place {
  readonly url: string;
  remove(): Promise<void>;
}

const SUBMITTER = fileURLToPath(new URL('./submitter.ts', import.meta.url));

interface Promised {
  readonly id: string;
  readonly key: string;
}

/** Runs a submitter; `killAfter` acknowledged jobs it gets SIGKILL. Resolves to all that it was promised. */
async function runSubmitter(url: string, prefix: string, count: number, killAfter = Infinity): Promise<Promised[]> {
  const child = spawn(process.execPath, [SUBMITTER, url, prefix, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const promised: Promised[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [id, key] = line.split(' ');
    if (id === undefined || key === undefined) continue;
    promised.push({ id, key });
    if (promised.length === killAfter) child.kill('SIGKILL');
  }
  expect(await exited).toEqual(killAfter === Infinity ? [0, null] : [null, 'SIGKILL']);
  return promised;
}

async function reopened(url: string): Promise<Store> {
  const store = await openStore(url, realSystem);
  onTestFinished(() => store.close());
  return store;
}

export function durabilityConformance(newPlace: () => Promise<Place>): void {
  const emptyPlace = async (): Promise<Place> => {
    const place = await newPlace();
    onTestFinished(() => place.remove());
    return place;
  };

  test('everything survives a restart', async () => {
    const { url } = await emptyPlace();
    const before = await openStore(url, realSystem);
    const red = await register(before, 'red');
    await before.clusters.putSubsystem('red', 'io', 'x', false, 1);
    await before.clusters.mergeState('red', { nodes_free: 3 }, 2);
    const group = await before.groups.create({ name: 'g', tokenHash: TOKEN, clusters: ['red'], at: 3 });
    await submit(before, { outcome: assignedTo(red, '["n1"]'), idempotencyKey: 'k', decision: '{}' });
    const [received] = await before.jobs.receive(red, 1, 9000, 4000);
    const moved = await before.jobs.transition(change(received!, 'accepted', { nativeId: '7' }));
    await before.output.append(
      '1',
      1,
      [{ task: 0, stream: 'stdout', offset: 0, data: new Uint8Array([1, 2]), at: 5 }],
      9,
    );
    await before.settings.setOnce('secret', 'abc');
    const number = await before.jobs.numberAt(red, '1');
    const events = await before.events.after(0, 99);
    await before.close();

    const after = await reopened(url);
    expect(await after.jobs.get('1')).toEqual(moved.job);
    expect(await after.clusters.get('red')).toEqual({
      ...red,
      subsystems: ['io'],
      state: { nodes_free: 3 },
      lastSeenAt: 2,
      graphVersion: 2,
    });
    expect(await after.groups.get('g')).toEqual(group);
    expect(await after.events.after(0, 99)).toEqual(events);
    expect((await after.output.read('1', 1, 0, 9)).chunks[0]?.data).toEqual(new Uint8Array([1, 2]));
    expect(await after.settings.get('secret')).toBe('abc');
    expect((await after.jobs.byNumbers(red, [number])).get(number)?.id).toBe('1');
    expect((await after.jobs.submit(newJob({ idempotencyKey: 'k' }))).created).toBe(false);
    expect((await submit(after)).id).toBe('2');
  });

  describe('kill -9 in the middle of a thousand submits', () => {
    test('leaves every acknowledged job, each whole, and a file that opens', async () => {
      const { url } = await emptyPlace();
      const promised: Promised[] = [];
      for (const killAfter of [1, 150, 400]) {
        promised.push(...(await runSubmitter(url, `killed after ${killAfter}`.replaceAll(' ', '_'), 1000, killAfter)));
      }
      expect(promised.length).toBeGreaterThanOrEqual(551);

      const store = await reopened(url);
      for (const { id, key } of promised) {
        expect(await store.jobs.get(id)).toMatchObject({ name: key, state: 'pending' });
        expect(await store.jobs.submit(newJob({ idempotencyKey: key }))).toMatchObject({ created: false, job: { id } });
      }
      const jobs = await store.jobs.list({ limit: 5000 });
      expect(jobs.length).toBeGreaterThanOrEqual(promised.length);
      // Unacknowledged ones may be there, but never without their event.
      const events = await store.events.after(0, 9999);
      expect(new Set(events.map(({ jobId }) => jobId))).toEqual(new Set(jobs.map(({ id }) => id)));
      expect(events).toHaveLength(jobs.length);
    });
  });

  test('processes that open a new store at once all get it', async () => {
    for (let round = 0; round < 3; round++) {
      const { url } = await emptyPlace();
      const promised = await Promise.all(Array.from({ length: 4 }, (_, n) => runSubmitter(url, `process${n}`, 10)));
      const ids = promised.flat().map(({ id }) => Number(id));
      expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, n) => n + 1));
      const store = await reopened(url);
      expect(await store.jobs.list({ limit: 99 })).toHaveLength(40);
    }
  });
}
