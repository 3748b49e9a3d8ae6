/** Clusters: registration, graphs, subsystems, state, instances, deletion. */
import { describe, expect, test } from 'vitest';
import {
  assignedTo,
  because,
  change,
  errorFrom,
  GONE,
  HOSTILE,
  moved,
  opened,
  register,
  SECRET,
  submit,
  TOKEN,
  type Open,
} from './fixtures.ts';

export function clusterConformance(open: Open): void {
  describe('clusters', () => {
    test('a registered cluster is read back whole', async () => {
      const store = await opened(open);
      const registered = await register(store, 'red', 1234);
      expect(registered).toEqual({
        id: registered.id,
        name: 'red',
        secretHash: SECRET,
        tokenHash: TOKEN,
        registeredAt: 1234,
        graphVersion: 1,
        counts: [{ type: 'node', total: 3, unit: '' }],
        subsystems: [],
        state: null,
        lastSeenAt: null,
        service: { drained: null, windows: [] },
        instance: null,
      });
      expect(await store.clusters.get('red')).toEqual(registered);
      expect(await store.clusters.graph('red')).toEqual({ graph: '{"graph":"red"}', subsystems: new Map() });
    });

    test('a cluster is drained and resumed; windows of maintenance are kept in order until they are over', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      await register(store, 'blue');
      const [early, late] = [
        { from: 100, until: 200, reason: 'disks' },
        { from: 300, until: 400, reason: 'kernel' },
      ];
      const drained = { at: 5, reason: "a leak; it's “wet”" };
      const service = { drained, windows: [early, late] };
      const given = { drained, windows: [late, early] };
      expect(await store.clusters.setService('red', given, 'drained', 5)).toEqual({ ...red, service });
      expect((await store.clusters.get('blue'))!.service).toEqual({ drained: null, windows: [] });
      expect((await store.clusters.list()).map((each) => each.service.windows.length)).toEqual([0, 2]);
      const resumed = await store.clusters.setService('red', { ...service, drained: null }, 'resumed', 250);
      expect(resumed.service).toEqual({ drained: null, windows: [late] });
      const kinds = (await store.events.after(0, 100))
        .filter(({ cluster }) => cluster === 'red')
        .map(({ kind }) => kind);
      expect(kinds).toEqual(['registered', 'drained', 'resumed']);
      expect((await errorFrom(store.clusters.setService('none', service, 'drained', 5))).code).toBe('not_found');
    });

    test('a name is taken once, by a cluster or a group, and is exact', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      await store.groups.create({ name: 'both', tokenHash: TOKEN, clusters: [], at: 1 });
      expect((await errorFrom(register(store, 'red'))).code).toBe('already_exists');
      expect((await errorFrom(register(store, 'both'))).code).toBe('already_exists');
      await register(store, 'RED');
      expect((await store.clusters.list()).map(({ name }) => name)).toEqual(['RED', 'red']);
      expect(await store.clusters.get('red')).toEqual(red);
      expect(await store.clusters.get('re_')).toBeNull();
      expect(await store.clusters.get('%')).toBeNull();
    });

    test('names with quotes, patterns and newlines are data', async () => {
      const store = await opened(open);
      for (const name of HOSTILE) {
        await store.clusters.register({
          name,
          secretHash: SECRET,
          tokenHash: TOKEN,
          graph: `${name} `,
          counts: [{ type: name, total: 1, unit: name }],
          at: 1,
        });
        await store.clusters.putSubsystem(name, name, `${name} `, false, 2);
        await store.clusters.mergeState(name, { [name]: name }, 3);
      }
      for (const name of HOSTILE) {
        const cluster = await store.clusters.get(name);
        expect(cluster).toMatchObject({ name, subsystems: [name], counts: [{ type: name, total: 1, unit: name }] });
        expect(Object.entries(cluster?.state ?? {})).toEqual([[name, name]]);
        const graph = `${name} `;
        expect(await store.clusters.graph(name)).toEqual({ graph, subsystems: new Map([[name, graph]]) });
      }
      expect(await store.clusters.list()).toHaveLength(HOSTILE.length);
    });

    test('a new graph keeps the credentials and grows the version', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const replaced = await store.clusters.replaceGraph('red', 'new', [{ type: 'core', total: 5, unit: 'x' }], 9);
      expect(replaced).toEqual({ ...red, graphVersion: 2, counts: [{ type: 'core', total: 5, unit: 'x' }] });
      expect((await store.clusters.graph('red'))?.graph).toBe('new');
      expect((await errorFrom(store.clusters.replaceGraph('blue', 'new', [], 9))).code).toBe('not_found');
    });

    test('documents in pieces come back as they were, and leave nothing when they go', async () => {
      const store = await opened(open);
      const pieces = [3, 0, 255, 7].map((byte, i) => new Uint8Array(1 + i * 70_000).fill(byte));
      await register(store, 'red');
      await store.clusters.replaceGraph('red', pieces, [], 2);
      await store.clusters.putSubsystem('red', 'io', pieces.slice(1), false, 3);
      await store.clusters.putSubsystem('red', 'small', 'text', false, 3);
      expect(await store.clusters.graph('red')).toEqual({
        graph: pieces,
        subsystems: new Map<string, unknown>([
          ['io', pieces.slice(1)],
          ['small', 'text'],
        ]),
      });
      // Fewer than before, then a text; and a subsystem that is gone and comes again as a text.
      await store.clusters.replaceGraph('red', pieces.slice(0, 2), [], 4);
      expect((await store.clusters.graph('red'))?.graph).toEqual(pieces.slice(0, 2));
      await store.clusters.replaceGraph('red', 'text', [], 5);
      await store.clusters.deleteSubsystem('red', 'io', 6);
      await store.clusters.putSubsystem('red', 'io', 'text', false, 7);
      expect(await store.clusters.graph('red')).toEqual({
        graph: 'text',
        subsystems: new Map([
          ['io', 'text'],
          ['small', 'text'],
        ]),
      });
      await store.clusters.replaceGraph('red', pieces, [], 8);
      await store.clusters.delete('red', 9);
      await register(store, 'red');
      expect((await store.clusters.graph('red'))?.graph).toBe('{"graph":"red"}');
    });

    test('subsystems are put, replaced when asked, and deleted', async () => {
      const store = await opened(open);
      await register(store, 'red');
      expect((await store.clusters.putSubsystem('red', 'io', 'one', false, 2)).subsystems).toEqual(['io']);
      expect((await errorFrom(store.clusters.putSubsystem('red', 'io', 'two', false, 3))).code).toBe('already_exists');
      await store.clusters.putSubsystem('red', 'io', 'two', true, 3);
      const both = await store.clusters.putSubsystem('red', 'fast', 'three', true, 4);
      expect(both).toMatchObject({ subsystems: ['fast', 'io'], graphVersion: 4 });
      expect((await store.clusters.graph('red'))?.subsystems).toEqual(
        new Map([
          ['fast', 'three'],
          ['io', 'two'],
        ]),
      );
      expect(await store.clusters.deleteSubsystem('red', 'io', 5)).toMatchObject({
        subsystems: ['fast'],
        graphVersion: 5,
      });
      expect((await errorFrom(store.clusters.deleteSubsystem('red', 'io', 6))).code).toBe('not_found');
      expect((await errorFrom(store.clusters.deleteSubsystem('blue', 'io', 6))).code).toBe('not_found');
      expect((await errorFrom(store.clusters.putSubsystem('blue', 'io', 'x', true, 6))).code).toBe('not_found');
      expect((await store.clusters.list())[0]?.subsystems).toEqual(['fast']);
    });

    test('state is merged by key, and nothing is removed', async () => {
      const store = await opened(open);
      await register(store, 'red');
      await store.clusters.mergeState('red', { nodes_free: 3, cost: 1.5 }, 50);
      const merged = await store.clusters.mergeState('red', { nodes_free: 2, deep: { a: [1, null, true] } }, 40);
      expect(merged.state).toEqual({ nodes_free: 2, cost: 1.5, deep: { a: [1, null, true] } });
      expect(merged.lastSeenAt).toBe(50);
      expect(merged.graphVersion).toBe(1);
      expect((await errorFrom(store.clusters.mergeState('blue', {}, 40))).code).toBe('not_found');
    });

    test('the newest instance of an agent wins, by its start and then its id', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const instance = (id: string, startedAt: number) =>
        ({ id, startedAt, runner: 'process', version: '1', runAs: 'single-user' }) as const;
      expect(await store.clusters.claimInstance(red, instance('b', 100), 200)).toBe(true);
      expect(await store.clusters.claimInstance(red, instance('b', 100), 201)).toBe(true);
      expect(await store.clusters.claimInstance(red, instance('z', 99), 202)).toBe(false);
      expect(await store.clusters.claimInstance(red, instance('a', 100), 203)).toBe(false);
      expect(await store.clusters.claimInstance(red, instance('c', 100), 204)).toBe(true);
      expect(await store.clusters.get('red')).toMatchObject({ instance: instance('c', 100), lastSeenAt: 204 });
      expect((await errorFrom(store.clusters.claimInstance(GONE, instance('a', 1), 1))).code).toBe('not_found');
    });

    test('whose jobs an agent runs is kept, and told where it changes', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const claim = (startedAt: number, ...accounts: string[]) =>
        store.clusters.claimInstance(
          red,
          {
            id: 'a',
            startedAt,
            runner: 'slurm',
            version: '1',
            runAs: 'mapped',
            ...(startedAt > 9 ? {} : { accounts }),
          },
          startedAt,
        );
      const told = async (): Promise<readonly number[]> =>
        (await store.events.after(0, 100)).flatMap(({ kind, at }) => (kind === 'accounts_changed' ? [at] : []));
      await claim(1, 'ann', 'bob');
      expect(await store.clusters.get('red')).toMatchObject({ instance: { accounts: ['ann', 'bob'] } });
      await claim(2, 'ann', 'bob');
      await claim(3, 'ann');
      await claim(10);
      expect((await store.clusters.get('red'))?.instance).not.toHaveProperty('accounts');
      await claim(11);
      expect(await told()).toEqual([1, 3, 10]);
    });

    test('what runs images there is kept as its agent says it, and a change is told to other servers', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const own = { id: 'a', runner: 'slurm', version: '1', runAs: 'single-user' } as const;
      for (const [startedAt, containers] of [
        [1, 'podman'],
        [2, 'podman'],
        [3, 'none'],
        [4, undefined],
      ] as const)
        await store.clusters.claimInstance(
          red,
          { ...own, startedAt, ...(containers === undefined ? {} : { containers }) },
          startedAt,
        );
      expect((await store.clusters.get('red'))?.instance).not.toHaveProperty('containers');
      const told = (await store.events.after(0, 100)).filter(({ kind }) => kind === 'containers_changed');
      expect(told.map(({ at }) => at)).toEqual([1, 3, 4]);
      await store.clusters.claimInstance(red, { ...own, startedAt: 5, containers: 'podman' }, 5);
      expect(await store.clusters.get('red')).toMatchObject({ instance: { containers: 'podman' } });
    });

    test('seen moves forward only, for those that are there', async () => {
      const store = await opened(open);
      await register(store, 'red');
      await register(store, 'blue');
      await store.clusters.seen(['red', 'gone', 'blue', 'red'], 50);
      await store.clusters.seen(['red'], 70);
      await store.clusters.seen(['red', 'blue'], 60);
      expect((await store.clusters.list()).map(({ name, lastSeenAt }) => [name, lastSeenAt])).toEqual([
        ['blue', 60],
        ['red', 70],
      ]);
    });

    test('a deleted cluster takes everything of it along and gives its jobs back', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const blue = await register(store, 'blue');
      await store.groups.create({ name: 'both', tokenHash: TOKEN, clusters: ['red', 'blue'], at: 1 });
      await store.clusters.putSubsystem('red', 'io', 'x', false, 2);
      const waiting = await submit(store, { outcome: assignedTo(red, '[1]') });
      const held = [];
      for (const states of [
        ['received'],
        ['received', 'accepted'],
        ['received', 'accepted', 'running'],
        ['received', 'unknown'],
      ] as const) {
        held.push(await moved(store, await submit(store, { outcome: assignedTo(red) }), ...states));
      }
      const ended = await moved(
        store,
        await submit(store, { outcome: assignedTo(red) }),
        'received',
        'accepted',
        'completed',
      );
      const elsewhere = await submit(store, { outcome: assignedTo(blue) });

      const result = await store.clusters.delete('red', 5000);
      expect(result).toEqual({ returned: [waiting.id], canceled: held.map(({ id }) => id) });

      expect(await store.clusters.get('red')).toBeNull();
      expect(await store.clusters.graph('red')).toBeNull();
      expect((await store.groups.get('both'))?.clusters).toEqual(['blue']);
      expect(await store.jobs.get(waiting.id)).toMatchObject({
        state: 'pending',
        epoch: 2,
        cluster: null,
        clusterId: null,
        allocation: null,
        reason: { code: 'cluster_deleted' },
      });
      for (const { id } of held) {
        const now = await store.jobs.get(id);
        expect(now).toMatchObject({
          state: 'canceled',
          cluster: 'red',
          endedAt: 5000,
          reason: { code: 'cluster_deleted' },
        });
        // Who polled cannot be told; an agent is, once it is back.
        expect(now?.reason.message).toMatch(/stopped by hand|told to stop it when it calls in again/);
      }
      expect(await store.jobs.get(ended.id)).toEqual(ended);
      expect(await store.jobs.get(elsewhere.id)).toEqual(elsewhere);
      expect((await errorFrom(store.clusters.delete('red', 5001))).code).toBe('not_found');

      // A later cluster of that name is another one.
      const again = await register(store, 'red');
      expect(again.id).toBeGreaterThan(red.id);
      expect(again.subsystems).toEqual([]);
      expect(await store.jobs.atCluster(again, ['canceled', 'completed'])).toEqual([]);
      expect(await store.jobs.numberAt(again, ended.id)).toBe(1);
    });

    test('who stops what still runs at a deleted cluster: its agent, now or when it is back; of a poller a person', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const byAgent = await submit(store, { outcome: assignedTo(red) });
      await store.jobs.receive(red, 1, null, 2500);
      const polled = await submit(store, { outcome: assignedTo(red) });
      await store.jobs.receive(red, 1, 9000, 2500);
      await store.clusters.delete('red', 5000, true);
      expect((await store.jobs.get(byAgent.id))?.reason).toEqual(
        because('cluster_deleted', 'cluster red was deleted; its agent is told to stop it'),
      );
      expect((await store.jobs.get(polled.id))?.reason.message).toContain('stopped by hand');
    });

    test('an id is never used again, and what is meant for a cluster that is gone never reaches its namesake', async () => {
      const store = await opened(open);
      const gone = await register(store, 'red');
      const elsewhere = await submit(store);
      expect(await store.jobs.numberAt(gone, elsewhere.id)).toBe(1);
      await store.clusters.delete('red', 1001);
      const red = await register(store, 'red', 1000);
      expect(red.id).toBeGreaterThan(gone.id);

      // Decided on before, written after: lost, and nothing is half there.
      const last = await store.events.last();
      expect((await errorFrom(submit(store, { outcome: assignedTo(gone) }))).code).toBe('aborted');
      expect(await store.jobs.transition(change(elsewhere, 'assigned', { cluster: gone }))).toEqual({
        done: false,
        job: elsewhere,
      });
      expect(await store.jobs.list({ limit: 9 })).toEqual([elsewhere]);
      const instance = { id: 'a', startedAt: 1, runner: 'process', version: '1', runAs: 'mapped' } as const;
      expect((await errorFrom(store.clusters.claimInstance(gone, instance, 1002))).code).toBe('not_found');
      expect((await errorFrom(store.jobs.numberAt(gone, elsewhere.id))).code).toBe('not_found');
      expect(await store.events.last()).toBe(last);

      // What the namesake has is nothing to whoever served the other.
      const job = await submit(store, { outcome: assignedTo(red), candidates: [red] });
      const number = await store.jobs.numberAt(red, job.id);
      expect(await store.jobs.receive(gone, 9, null, 1003)).toEqual([]);
      expect(await store.jobs.atCluster(gone, ['assigned'])).toEqual([]);
      expect(await store.jobs.byNumbers(gone, [number])).toEqual(new Map());
      // Of whole records only name and id are kept.
      expect((await store.jobs.get(job.id))?.candidates).toEqual([{ name: 'red', id: red.id }]);
      expect((await store.jobs.receive(red, 9, null, 1003)).map(({ id }) => id)).toEqual([job.id]);
      // Nor are these the names of one and the same: both have to be right.
      expect(await store.jobs.receive({ name: 'other', id: red.id }, 9, null, 1003)).toEqual([]);
    });
  });
}
