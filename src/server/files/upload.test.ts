/** Uploads that do not come to their end: what they take, and that they are ended. */
import { createHash } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../store/open.ts';
import { errorFrom } from '../../store/conformance/fixtures.ts';
import { simulatedSystem } from '../../system/simulated.ts';
import type { CallContext } from '../call.ts';
import type { Parts } from '../parts.ts';
import { defaultFileSettings } from './settings.ts';
import { upload } from './upload.ts';

const MIB = 2 ** 20;

test('a sender who declares much and stops holds little, is ended after 15 s, and gives all of it back', async () => {
  const system = simulatedSystem();
  const store = await openStore(':memory:', system);
  onTestFinished(() => store.close());
  const authenticator = {
    person: () => ({ kind: 'operator', owner: 'user:ada' }),
    credentials: async () => ({ clusters: [], groups: [] }),
  };
  const settings = { files: defaultFileSettings };
  const parts = { store, system, settings, authenticator } as unknown as Parts;
  let asked = (): void => undefined;
  const stopped = new Promise<void>((resolve) => (asked = resolve));
  async function* stream() {
    const sha256 = createHash('sha256').update('never').digest('hex');
    yield { credentials: [], file: { path: 'x', size: String(256 * MIB), sha256 }, data: Buffer.alloc(0) };
    for (let i = 0; i < 5; i++) yield { credentials: [], data: Buffer.alloc(MIB) };
    asked();
    await new Promise<never>(() => undefined);
  }
  const sent = errorFrom(Promise.resolve(upload(parts)(stream() as never, {} as CallContext)));
  await stopped;
  expect(await store.files.used('user:ada')).toBe(8 * MIB);
  await system.advance(15_000);
  expect(await sent).toMatchObject({
    code: 'deadline_exceeded',
    message: expect.stringMatching(/files stopped coming/),
  });
  expect(await store.files.used('user:ada')).toBe(0);
  expect(await store.files.unused()).toBe(0);
});
