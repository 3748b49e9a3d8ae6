/**
 * A server whose store is put back to a backup, among agents that have gone on: real processes, each of which writes
 * down that it began. None begins twice, what runs goes on running, and what nobody can tell waits for a person.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectExit, json, jsonLines, until } from '../cli/command-line.ts';
import { place, startAgent, untilConnected, type Place } from '../cli/with-server.ts';
import { realSystem } from '../../src/system/real.ts';

interface Shown {
  readonly id: number;
  readonly state: string;
  readonly epoch: number;
  readonly cluster: string | null;
  readonly reason: { readonly code: string };
}

/** Begins, says so, and goes on until it is let go. */
class Work {
  readonly #at: Place;
  id = '';
  readonly name: string;

  constructor(at: Place, name: string) {
    this.#at = at;
    this.name = name;
  }

  #file(what: string): string {
    return join(this.#at.folder, 'work', `${this.name}.${what}`);
  }

  async submit(...how: string[]): Promise<this> {
    const script = `trap 'echo > ${this.#file('stopped')}; exit' TERM; echo began >> ${this.#file('began')}; while [ ! -e ${this.#file('go')} ]; do sleep 0.05; done`;
    const outcome = await this.#at.run(['submit', '--json', '--name', this.name, ...how, '--', 'sh', '-c', script]);
    expectExit(outcome, 0);
    this.id = String(json<Shown>(outcome).id);
    return this;
  }

  async now(): Promise<Shown> {
    return json<Shown>(await this.#at.run(['job', 'show', this.id, '--json']));
  }

  async until(state: string): Promise<Shown> {
    let seen: Shown | null = null;
    return until(
      async () => ((seen = await this.now()).state === state ? seen : null),
      () => `${this.name} ${JSON.stringify(seen)}`,
    );
  }

  begun(): number {
    return existsSync(this.#file('began')) ? readFileSync(this.#file('began'), 'utf8').split('\n').length - 1 : 0;
  }

  wasStopped(): boolean {
    return existsSync(this.#file('stopped'));
  }

  letGo(): void {
    writeFileSync(this.#file('go'), '');
  }
}

test('no job runs twice after its server was put back to a backup, and what runs goes on', async () => {
  const at = await place();
  for (const name of ['red', 'blue', 'green']) await at.register(name, '--nodes', '1', '--cores', '8');
  const withAgent = async (name: string) => {
    const agent = startAgent(at, name, ['--graph', join(at.folder, `${name}.json`)]);
    await untilConnected(at, name);
    return agent;
  };
  const agents = [await withAgent('red'), await withAgent('blue')];
  // Where the tests run as root, jobs run as another user.
  mkdirSync(join(at.folder, 'work'));
  chmodSync(join(at.folder, 'work'), 0o777);
  const work = (name: string): Work => new Work(at, name);
  const released = (job: Work) => at.run(['job', 'release', job.id]);
  const database = join(at.folder, 'rainbow.db');
  const backup = join(at.folder, 'backup.db');

  // 1. At the backup: two run, two wait for an agent that is away, one for a person.
  const runs = await work('runs').submit('--cluster', 'red');
  const ends = await work('ends').submit('--cluster', 'blue');
  const starts = await work('starts').submit('--cluster', 'green');
  const finishes = await work('finishes').submit('--cluster', 'green');
  const waits = await work('waits').submit('--hold');
  await runs.until('running');
  await ends.until('running');
  await finishes.until('assigned');
  expectExit(await at.run(['db', 'backup', '--db', database, backup]), 0);

  // 2. After it: one ends, one starts, one comes and goes, one is new.
  ends.letGo();
  await ends.until('completed');
  agents.push(await withAgent('green'));
  await starts.until('running');
  finishes.letGo();
  await finishes.until('completed');
  const unheard = await work('unheard').submit('--cluster', 'red');
  await unheard.until('running');

  // 3. The store is put back, while the agents go on.
  const { server } = at;
  expect((await at.run(['db', 'restore', '--db', database, backup])).stderr).toContain('stop it first');
  await server.stop();
  const restored = await at.run(['db', 'restore', '--db', database, backup, '--json']);
  expectExit(restored, 0);
  expect(json(restored)).toMatchObject({ held: 3, unknown: 2 });
  await at.serveAgain();

  // 4. What the agents have is as it is there; what they do not have is not begun again.
  expect(await runs.until('running')).toMatchObject({ cluster: 'red', epoch: 1 });
  expect(await starts.until('running')).toMatchObject({ cluster: 'green', epoch: 1 });
  expect(await ends.until('failed')).toMatchObject({ reason: { code: 'restored' } });
  expect(await finishes.now()).toMatchObject({ state: 'pending', reason: { code: 'restored' } });
  expect(await waits.now()).toMatchObject({ state: 'pending', reason: { code: 'restored' } });

  await until(() => unheard.wasStopped());

  // 5. Numbers of jobs that are forgotten are not given again; and all goes on.
  const fresh = await work('fresh').submit();
  expect(Number(fresh.id)).toBeGreaterThan(Number(unheard.id) + 900);
  for (const job of [runs, starts, waits, fresh]) job.letGo();
  await released(waits);
  for (const job of [runs, starts, waits, fresh]) await job.until('completed');
  expect((await finishes.now()).state).toBe('pending');
  const all = [runs, ends, starts, finishes, waits, unheard, fresh];
  expect(all.map((job) => [job.name, job.begun()])).toEqual(all.map((job) => [job.name, 1]));
  const listed = jsonLines(await at.run(['jobs', '--json']));
  expect(listed).toHaveLength(6);
  expectExit(await at.run(['db', 'check', '--db', database]), 0);
  for (const agent of agents) await agent.stop();
});

test('what waited for another job, or for a time, and runs by now is not ended by what the store knows', async () => {
  const at = await place();
  for (const name of ['red', 'blue']) await at.register(name, '--nodes', '1', '--cores', '8');
  const withAgent = async (name: string) => {
    const agent = startAgent(at, name, ['--graph', join(at.folder, `${name}.json`)]);
    await untilConnected(at, name);
    return agent;
  };
  const red = await withAgent('red');
  const blue = await withAgent('blue');
  mkdirSync(join(at.folder, 'work'));
  chmodSync(join(at.folder, 'work'), 0o777);
  const work = (name: string): Work => new Work(at, name);
  const released = (job: Work) => at.run(['job', 'release', job.id]);
  const database = join(at.folder, 'rainbow.db');
  const backup = join(at.folder, 'backup.db');

  // 1. At the backup: one runs, others wait for it; one is held, and may not wait for long.
  const first = await work('first').submit('--cluster', 'red');
  const then = await work('then').submit('--cluster', 'blue', '--after', first.id);
  const never = await work('never').submit('--cluster', 'red', '--after', first.id);
  const soon = 10 * 60_000;
  const by = new Date(Date.now() + soon).toISOString();
  const inTime = await work('in-time').submit('--cluster', 'blue', '--start-before', by, '--hold');
  await first.until('running');
  expectExit(await at.run(['db', 'backup', '--db', database, backup]), 0);

  // 2. After it: both start on blue. Only red is there when the server is back.
  expectExit(await released(inTime), 0);
  await inTime.until('running');
  first.letGo();
  await then.until('running');
  never.letGo();
  await never.until('completed');
  await blue.stop();
  await at.server.stop();
  expectExit(await at.run(['db', 'restore', '--db', database, backup]), 0);
  const clock = { ...realSystem.clock, now: () => realSystem.clock.now() + 2 * soon };
  await at.serveAgain({ ...realSystem, clock });
  expect(await first.until('failed')).toMatchObject({ reason: { code: 'restored' } });
  // A job that is submitted now is looked at by the same round.
  const after = await work('after').submit('--cluster', 'red', '--after', first.id);
  await until(async () => (await after.now()).reason.code === 'restored');
  for (const job of [then, inTime, never]) {
    expect(await job.now()).toMatchObject({ state: 'pending', reason: { code: 'restored' } });
  }

  // 3. Its agent says that they run; what a person lets go runs.
  const again = await withAgent('blue');
  for (const job of [then, inTime]) expect(await job.until('running')).toMatchObject({ cluster: 'blue' });
  after.letGo();
  expectExit(await released(after), 0);
  await after.until('completed');
  for (const job of [then, inTime]) {
    job.letGo();
    await job.until('completed');
    expect([job.begun(), job.wasStopped()]).toEqual([1, false]);
  }
  for (const agent of [red, again]) await agent.stop();
});
