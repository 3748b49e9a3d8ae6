/**
 * What every runner must do, whatever cluster it drives. A runner is admitted by passing this suite with real jobs.
 * Jobs are shell scripts that write into `scratch`, so that how often each was started can be counted.
 * Long, because it is one list: whoever writes a runner reads here all that it has to do.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RainbowError } from '../../core/errors.ts';
import { withoutLifecycle } from '../../core/translate/lifecycle.ts';
import { realSystem } from '../../system/real.ts';
import type { AgentBid } from '../bid/bidder.ts';
import { createQueueBidder } from '../bid/queue-bidder.ts';
import { jobspecOf } from '../testing/jobspec.ts';
import { WITHDRAWAL_SENTINELS, type ReachedHook } from '../sentinels.ts';
import { keyText, type JobKey, type NativeJob, type Order, type OutputPosition, type Runner } from './runner.ts';
import { until } from '../../system/testing/until.ts';

export interface RunnerCase {
  readonly name: string;
  /** What takes longer there than all the rest together is left to the soak. */
  readonly isSlow?: { readonly timeLimit: boolean; readonly vanishing: boolean };
  /** A fresh, idle cluster of exactly `cores` cores. */
  create(cores: number): Promise<ClusterCase>;
}

export interface ClusterCase {
  /** A directory that jobs may write to. */
  readonly scratch: string;
  /** As an agent that was started (again) would; the one before was closed, or killed. */
  open(reached?: ReachedHook): Promise<Runner>;
  /** Ends this running job, and removes what its own scheduler knows of it, as far as that can be done. No runner is open. */
  vanish(native: NativeJob): Promise<void>;
  dispose(): Promise<void>;
}

const CORES = 4;
const IS_SOAK = process.env['RAINBOW_SOAK'] !== undefined;

export function runnerConformance(runnerCase: RunnerCase): void {
  describe(`runner ${runnerCase.name}`, () => {
    let cluster: ClusterCase;
    let runner: Runner;
    const open: Runner[] = [];

    beforeEach(async () => {
      cluster = await runnerCase.create(CORES);
      runner = await cluster.open();
      open.push(runner);
    });
    afterEach(async () => {
      for (const native of await runner.find()) await runner.stop(native, { code: 'user', message: '' });
      await until('all ended', async () => (await runner.find()).every((native) => native.status.state === 'ended'));
      for (const each of open.splice(0)) await each.close();
      await cluster.dispose();
    });

    const reopen = async (): Promise<void> => {
      await runner.close();
      runner = await cluster.open();
      open.push(runner);
    };
    const of = async (key: JobKey): Promise<NativeJob | null> =>
      (await runner.find()).find((native) => keyText(native) === keyText(key)) ?? null;
    const reaches = (key: JobKey, state: NativeJob['status']['state']): Promise<NativeJob> =>
      until(`${keyText(key)} is ${state}`, async () => {
        const native = await of(key);
        return native?.status.state === state ? native : null;
      });
    const written = async (file: string): Promise<string> =>
      readFile(join(cluster.scratch, file), 'utf8').catch(() => '');

    const order = (jobId: string, script: string, more: Partial<Order> & { cores?: number } = {}): Order => ({
      jobId,
      epoch: 1,
      name: `job ${jobId}`,
      owner: 'somebody',
      jobspec: jobspecOf(script.replaceAll('$SCRATCH', cluster.scratch), more.cores ?? 1),
      walltime: 120,
      priority: 0,
      ...more,
    });
    const waitsFor = (file: string): string => `while [ ! -e $SCRATCH/${file} ]; do sleep 0.05; done`;

    test('a job runs to its end, and its status grows only forwards', async () => {
      const told: string[] = [];
      const stop = runner.watch(({ status }) => {
        // Why it waits may be told in between.
        if (told.at(-1) !== status.state) told.push(status.state);
      });
      const given = order('1', 'exit 0');
      const orderedAt = realSystem.clock.now();
      const nativeId = await runner.submit(given);
      const native = await reaches(given, 'ended');
      expect(native).toMatchObject({ jobId: '1', epoch: 1, nativeId, order: given });
      expect(native.status.end).toMatchObject({ outcome: 'completed', exitCode: 0, signal: null });
      const { acceptedAt, startedAt, endedAt } = native.status;
      // Files and clocks may differ by a tick.
      expect(acceptedAt!).toBeGreaterThanOrEqual(orderedAt - 50);
      expect(startedAt!).toBeGreaterThanOrEqual(acceptedAt! - 50);
      expect(endedAt!).toBeGreaterThanOrEqual(startedAt!);
      await until('the end was told', () => told.at(-1) === 'ended');
      expect(told).toEqual([...new Set(told)]);
      expect(['accepted', 'running', 'ended'].filter((state) => told.includes(state))).toEqual(told);
      stop();
    });

    test('exit codes, signals and programs that cannot start are told apart', async () => {
      const three = order('1', 'exit 3');
      const signal = order('2', 'kill -KILL $$');
      const missing = { ...order('3', ''), jobspec: jobspecOf('', 1, ['no-such-program-anywhere']) };
      for (const each of [three, signal, missing]) await runner.submit(each);
      expect((await reaches(three, 'ended')).status.end).toMatchObject({
        outcome: 'failed',
        exitCode: 3,
        signal: null,
      });
      expect((await reaches(signal, 'ended')).status.end).toMatchObject({ outcome: 'failed', signal: 9 });
      expect((await reaches(missing, 'ended')).status.end).toMatchObject({
        outcome: 'failed',
        exitCode: 127,
        reason: { code: 'cannot_start' },
      });
    });

    test('a directory that is not there, or is no whole path, is not entered, and nothing runs elsewhere', async () => {
      const missing = ['/no/such/directory', 'no-such-directory'].map((cwd, at): [string, Order] => {
        const given = order(String(at + 1), 'echo ran >> $SCRATCH/log');
        const spec = JSON.parse(given.jobspec) as { attributes: { system: object } };
        const attributes = { ...spec.attributes, system: { ...spec.attributes.system, cwd } };
        return [cwd, { ...given, jobspec: JSON.stringify({ ...spec, attributes }) }];
      });
      for (const [, given] of missing) await runner.submit(given);
      for (const [cwd, given] of missing) {
        expect((await reaches(given, 'ended')).status.end).toMatchObject({ outcome: 'failed', exitCode: 126 });
        const { pieces } = await runner.output(given, [], 1 << 20);
        expect(pieces.map(({ data }) => Buffer.from(data).toString()).join('')).toContain(
          `cannot enter the directory ${cwd}`,
        );
      }
      expect(await written('log')).toBe('');
    });

    test('the same key is one native job, however often and at once it is submitted', async () => {
      const given = order('1', 'echo started >> $SCRATCH/log');
      const ids = await Promise.all([runner.submit(given), runner.submit(given), runner.submit(given)]);
      expect(new Set(ids).size).toBe(1);
      await reaches(given, 'ended');
      expect(await runner.submit(given)).toBe(ids[0]);
      expect((await runner.find()).length).toBe(1);
      expect(await written('log')).toBe('started\n');
    });

    test('epochs are apart, and all of them are found', async () => {
      const first = order('1', waitsFor('go'));
      const second = { ...first, epoch: 2 };
      await runner.submit(first);
      await runner.submit(second);
      expect((await runner.find()).map(keyText).toSorted()).toEqual(['1.1', '1.2']);
      await runner.stop(first, { code: 'moved', message: '' });
      expect((await reaches(first, 'ended')).status.end).toMatchObject({ outcome: 'canceled' });
      expect((await of(second))!.status.state).not.toBe('ended');
    });

    test('what Rainbow sees to itself is taken out at submit, and not asked for again: a task of an array, released, its dependencies ended', async () => {
      const { jobspec } = order('1', 'env | grep -E "^(RAINBOW_|SLURM_)ARRAY_(INDEX|COUNT|TASK_ID)=" | sort');
      const spec = JSON.parse(jobspec) as { attributes: { system: object } };
      spec.attributes.system = {
        ...spec.attributes.system,
        dependencies: [{ scheme: 'afterok', type: 'string', value: '4711' }],
      };
      const rainbow = { array: { indices: '3,5', limit: 1 }, hold: true, begin: '2020-01-01T00:00:00Z' };
      const given = {
        ...order('1', ''),
        jobspec: withoutLifecycle(JSON.stringify({ ...spec, attributes: { ...spec.attributes, rainbow } })),
        array: { id: '1', index: 5, count: 2, least: 3, most: 5 },
      };
      await runner.submit(given);
      expect((await reaches(given, 'ended')).status.end).toMatchObject({ outcome: 'completed' });
      const { pieces } = await runner.output(given, [], 1 << 20);
      expect(pieces.map(({ task, data }) => [task, Buffer.from(data).toString()])).toEqual([
        [0, 'RAINBOW_ARRAY_COUNT=2\nRAINBOW_ARRAY_INDEX=5\nSLURM_ARRAY_TASK_ID=5\n'],
      ]);
    });

    test('output comes from any position on, and says when it is all', async () => {
      const given = order('1', `printf 'one\\n'; printf 'problem' >&2; ${waitsFor('go')}; printf 'two\\n'`);
      await runner.submit(given);
      const early = await until('output', async () => {
        const read = await runner.output(given, [], 1 << 20);
        return read.pieces.length === 2 ? read : null;
      });
      expect(early.complete).toBe(false);
      expect(early.pieces.map(({ stream, offset, data }) => [stream, offset, Buffer.from(data).toString()])).toEqual([
        ['stdout', 0, 'one\n'],
        ['stderr', 0, 'problem'],
      ]);
      const from: OutputPosition[] = [
        { task: 0, stream: 'stdout', offset: 2 },
        { task: 0, stream: 'stderr', offset: 7 },
      ];
      await release('go');
      await reaches(given, 'ended');
      const late = await runner.output(given, from, 1 << 20);
      expect(late.complete).toBe(true);
      expect(late.pieces.map(({ offset, data }) => [offset, Buffer.from(data).toString()])).toEqual([[2, 'e\ntwo\n']]);
      const cut = await runner.output(given, [], 1);
      expect(cut.complete).toBe(false);
    });

    test('a running job is stopped; stopping again, or what is not there, is no error', async () => {
      const given = order('1', `echo started >> $SCRATCH/log; ${waitsFor('never')}`);
      await runner.submit(given);
      await until('it runs', async () => (await written('log')) !== '');
      await runner.stop(given, { code: 'user', message: 'enough' });
      const native = await reaches(given, 'ended');
      expect(native.status.end).toMatchObject({ outcome: 'canceled', reason: { code: 'user', message: 'enough' } });
      await runner.stop(given, { code: 'user', message: '' });
      await runner.stop({ jobId: '99', epoch: 1 }, { code: 'user', message: '' });
      expect((await of(given))!.status).toEqual(native.status);
    });

    test('a job that leaves with 0 as it is stopped is canceled', async () => {
      const given = order('1', `trap 'exit 0' TERM; echo started >> $SCRATCH/log; ${waitsFor('never')}`);
      await runner.submit(given);
      await until('it runs', async () => (await written('log')) !== '');
      await runner.stop(given, { code: 'user', message: 'enough' });
      const { status } = await reaches(given, 'ended');
      expect(status.end).toMatchObject({ outcome: 'canceled', reason: { code: 'user', message: 'enough' } });
    });

    test.skipIf(runnerCase.isSlow?.timeLimit === true && !IS_SOAK)(
      'a job that runs into its time limit has failed, and says so',
      { timeout: 300_000 },
      async () => {
        const script = `echo started >> $SCRATCH/log; ${waitsFor('never')}`.replaceAll('$SCRATCH', cluster.scratch);
        const given = { ...order('1', ''), jobspec: jobspecOf(script, 1, undefined, 1), walltime: 1 };
        await runner.submit(given);
        const { status } = await reaches(given, 'ended');
        expect(status.end).toMatchObject({ outcome: 'failed', reason: { code: 'time_limit' } });
        expect(status.endedAt! - status.startedAt!).toBeGreaterThanOrEqual(900);
        // A machine may be so slow that the limit comes before the first word.
        expect(['', 'started\n']).toContain(await written('log'));
      },
    );

    test.skipIf(runnerCase.isSlow?.vanishing === true && !IS_SOAK)(
      'a native job that vanished is found out: it failed, which is told once, and it does not run again',
      { timeout: 300_000 },
      async () => {
        const given = order('1', `echo started >> $SCRATCH/log; ${waitsFor('never')}`);
        await runner.submit(given);
        await until('it runs', async () => (await written('log')) !== '');
        const native = await reaches(given, 'running');
        await runner.close();
        await cluster.vanish(native);
        runner = await cluster.open();
        open.push(runner);
        const ends: unknown[] = [];
        runner.watch(({ jobId, status }) => {
          if (jobId === given.jobId && status.state === 'ended') ends.push(status.end);
        });
        const { status } = await reaches(given, 'ended');
        expect(status.end).toMatchObject({ outcome: 'failed', reason: { code: 'native' }, exitCode: null });
        expect(status.end!.reason.message).not.toBe('');
        const other = order('2', 'exit 0', { cores: CORES });
        await runner.submit(other);
        await reaches(other, 'ended');
        expect((await of(given))!.status).toEqual(status);
        expect(ends).toEqual([status.end]);
        expect(await written('log')).toBe('started\n');
      },
    );

    test('a job waits until its resources are free; a waiting job is stopped without ever having started', async () => {
      const first = order('1', waitsFor('go'), { cores: CORES });
      const second = order('2', 'echo second >> $SCRATCH/log', { cores: 1 });
      const third = order('3', 'echo third >> $SCRATCH/log', { cores: 1 });
      for (const each of [first, second, third]) await runner.submit(each);
      await reaches(first, 'running');
      expect((await of(second))!.status.state).toBe('accepted');
      await runner.stop(second, { code: 'user', message: '' });
      expect((await reaches(second, 'ended')).status.end).toMatchObject({ outcome: 'canceled', exitCode: null });
      expect((await of(third))!.status.state).toBe('accepted');
      await release('go');
      await reaches(third, 'ended');
      expect(await written('log')).toBe('third\n');
    });

    test('what does not fit the cluster is refused, and nothing of it is left', async () => {
      const refused = runner.submit(order('1', 'exit 0', { cores: CORES + 1 }));
      await expect(refused).rejects.toSatisfy(
        (error) => error instanceof RainbowError && error.code === 'failed_precondition',
      );
      const malformed = runner.submit({ ...order('2', ''), jobspec: 'version: 1\nresources: 7\n' });
      await expect(malformed).rejects.toSatisfy(
        (error) => error instanceof RainbowError && error.code === 'invalid_input',
      );
      expect(await runner.find()).toEqual([]);
    });

    test('a runner that is opened anew finds what runs, what waits and what has ended', async () => {
      const running = order('1', `echo started >> $SCRATCH/log; ${waitsFor('go')}; exit 5`, { cores: CORES });
      const waiting = order('2', 'echo waited >> $SCRATCH/log');
      await runner.submit(running);
      await reaches(running, 'running');
      await runner.submit(waiting);
      const before = await of(running);
      await reopen();
      expect(await of(running)).toEqual(before);
      expect(await of(waiting)).toMatchObject({ status: { state: 'accepted' }, order: waiting });
      expect(await runner.submit(running)).toBe(before!.nativeId);
      await release('go');
      expect((await reaches(running, 'ended')).status.end).toMatchObject({ exitCode: 5 });
      const ended = await reaches(waiting, 'ended');
      await reopen();
      expect((await of(waiting))!.status).toEqual(ended.status);
      expect(await written('log')).toBe('started\nwaited\n');
    });

    test('what is busy names the running jobs, and nothing once the cluster has let go of them', async () => {
      const given = order('1', waitsFor('go'), { cores: 2 });
      await runner.submit(given);
      await reaches(given, 'running');
      const busy = await runner.busy();
      expect(busy.includes).toEqual([{ jobId: '1', epoch: 1 }]);
      expect(busy.vertices).toHaveLength(2);
      await release('go');
      await reaches(given, 'ended');
      expect((await runner.busy()).includes).toEqual([]);
      // A batch system cleans up after a job that has ended: its cores are free a little later.
      await until('all is free', async () => (await runner.busy()).vertices.length === 0);
    });

    test('an ended job is forgotten when asked, a running one is not', async () => {
      const given = order('1', waitsFor('go'));
      await runner.submit(given);
      await reaches(given, 'running');
      await runner.forget(given);
      expect(await of(given)).not.toBeNull();
      await release('go');
      await reaches(given, 'ended');
      await runner.forget(given);
      expect(await of(given)).toBeNull();
      expect(await runner.output(given, [], 1 << 20)).toEqual({ pieces: [], complete: true });
      await reopen();
      expect(await of(given)).toBeNull();
    });

    const MOVED = { code: 'moved', message: 'another cluster starts it sooner' } as const;

    test('what waits is taken out of the queue when asked, once; what runs or is not there is left alone', async () => {
      const first = order('1', waitsFor('go'), { cores: CORES });
      const second = order('2', 'echo second >> $SCRATCH/log');
      await runner.submit(first);
      await reaches(first, 'running');
      await runner.submit(second);
      expect(await runner.withdraw!(first, MOVED)).toBe(false);
      expect(await runner.withdraw!({ jobId: '9', epoch: 1 }, MOVED)).toBe(false);
      expect(await runner.withdraw!(second, MOVED)).toBe(true);
      expect(await runner.withdraw!(second, MOVED)).toBe(false);
      const { status } = await reaches(second, 'ended');
      expect(status).toMatchObject({ startedAt: null, end: { outcome: 'canceled', reason: MOVED, exitCode: null } });
      // It may come back, under its next epoch.
      const again = { ...second, epoch: 2 };
      await runner.submit(again);
      await release('go');
      expect((await reaches(again, 'ended')).status.end).toMatchObject({ outcome: 'completed' });
      expect((await reaches(first, 'ended')).status.end).toMatchObject({ outcome: 'completed' });
      expect(await written('log')).toBe('second\n');
    });

    test('an agent that dies while it takes a job back: it waits on, or it never runs here', async () => {
      const first = order('1', waitsFor('go'), { cores: CORES });
      const second = order('2', 'echo second >> $SCRATCH/log');
      await runner.submit(first);
      await reaches(first, 'running');
      await runner.submit(second);
      await runner.close();
      const died = Promise.withResolvers<void>();
      runner = await cluster.open((point) => {
        if (!WITHDRAWAL_SENTINELS.some((each) => each === point)) return undefined;
        died.resolve();
        return new Promise(() => undefined);
      });
      const withdrawn = runner.withdraw!(second, MOVED);
      await Promise.race([died.promise, withdrawn]);
      void runner.close();
      runner = await cluster.open();
      open.push(runner);
      await release('go');
      const { status } = await reaches(second, 'ended');
      const { outcome } = status.end!;
      const told = [outcome, outcome === 'canceled' && status.startedAt !== null, await written('log')];
      expect([
        ['canceled', false, ''],
        ['completed', false, 'second\n'],
      ]).toContainEqual(told);
      await reaches(first, 'ended');
    });

    test('a bid says when it would start: at once, behind what runs and waits, or never', async () => {
      const bidder = createQueueBidder({ runner, tariff: null, coming: () => [], system: realSystem })!;
      const ask = (cores: number, walltime = 120): Promise<AgentBid> =>
        bidder.bid({ shape: `${cores} ${walltime}`, jobspec: jobspecOf('true', cores), walltime, priority: 0 });
      const wait = async (cores: number): Promise<{ startP50: number; startP90: number }> => {
        const bid = await ask(cores);
        if (bid.kind === 'no') throw new Error(bid.reason.message);
        return bid.estimate;
      };
      expect((await wait(CORES)).startP90).toBeLessThan(10);
      expect(await ask(CORES + 1)).toMatchObject({ kind: 'no', reason: { code: 'never_fits' } });
      const given = order('1', waitsFor('go'), { cores: CORES - 1 });
      await runner.submit(given);
      await reaches(given, 'running');
      await until('what is free is seen', async () => (await wait(CORES)).startP50 > 30);
      expect((await wait(1)).startP90).toBeLessThan(10);
      // Schedulers plan by whole minutes.
      expect((await wait(CORES)).startP90).toBeLessThan(120 + 61);
      await runner.submit(order('2', 'true', { cores: CORES }));
      const behind = await until('the one that waits counts', async () => {
        const found = await wait(CORES);
        return found.startP90 > 120 + 30 && found;
      });
      expect(behind.startP90).toBeLessThan(240 + 122);
      await release('go');
      bidder.close();
    });

    /** Lets jobs go on that wait for this file. */
    async function release(file: string): Promise<void> {
      await writeFile(join(cluster.scratch, file), '');
    }
  });
}
