/** Cluster groups. */
import { describe, expect, test } from 'vitest';
import { errorFrom, opened, register, TOKEN, type Open } from './fixtures.ts';

export function groupConformance(open: Open): void {
  describe('groups', () => {
    test('a group keeps its clusters in order, each once', async () => {
      const store = await opened(open);
      for (const name of ['a', 'b', 'c']) await register(store, name);
      const group = await store.groups.create({ name: 'g', tokenHash: TOKEN, clusters: ['c', 'a', 'c'], at: 5 });
      expect(group).toEqual({ name: 'g', tokenHash: TOKEN, clusters: ['c', 'a'], createdAt: 5 });
      expect(await store.groups.get('g')).toEqual(group);
      const updated = await store.groups.update('g', ['b'], 6);
      expect(updated).toEqual({ ...group, clusters: ['b'] });
      await store.groups.create({ name: 'empty', tokenHash: TOKEN, clusters: [], at: 7 });
      expect((await store.groups.list()).map(({ name, clusters }) => [name, clusters])).toEqual([
        ['empty', []],
        ['g', ['b']],
      ]);
    });

    test('a missing cluster or a name that is taken leaves nothing behind', async () => {
      const store = await opened(open);
      await register(store, 'a');
      const missing = await errorFrom(
        store.groups.create({ name: 'g', tokenHash: TOKEN, clusters: ['a', 'x'], at: 5 }),
      );
      expect(missing).toMatchObject({ code: 'not_found', message: expect.stringContaining('x') });
      expect(await store.groups.get('g')).toBeNull();
      const taken = await errorFrom(store.groups.create({ name: 'a', tokenHash: TOKEN, clusters: [], at: 5 }));
      expect(taken.code).toBe('already_exists');
      await store.groups.create({ name: 'g', tokenHash: TOKEN, clusters: ['a'], at: 5 });
      expect((await errorFrom(store.groups.update('g', ['x'], 6))).code).toBe('not_found');
      expect((await store.groups.get('g'))?.clusters).toEqual(['a']);
      expect((await errorFrom(store.groups.update('h', [], 6))).code).toBe('not_found');
    });

    test('a deleted group frees its name', async () => {
      const store = await opened(open);
      await store.groups.create({ name: 'g', tokenHash: TOKEN, clusters: [], at: 5 });
      expect(await store.groups.delete('g', 6)).toBe(true);
      expect(await store.groups.delete('g', 7)).toBe(false);
      expect(await store.groups.get('g')).toBeNull();
      await register(store, 'g');
    });
  });

  describe('settings', () => {
    test('a setting is set once', async () => {
      const store = await opened(open);
      expect(await store.settings.get('secret')).toBeNull();
      expect(await store.settings.setOnce('secret', 'one')).toBe('one');
      expect(await store.settings.setOnce('secret', 'two')).toBe('one');
      expect(await store.settings.get('secret')).toBe('one');
      const raced = await Promise.all(['a', 'b', 'c'].map((value) => store.settings.setOnce('raced', value)));
      expect(new Set(raced).size).toBe(1);
    });
  });
}
