/** Policies of the operator's own, from the settings file to a choice. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { policyNamed } from '../core/select/policies.ts';
import { readServerSettings, serverSettingsOf } from './config.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rainbow-policies-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function settings(text: string) {
  const path = join(folder, 'server.yaml');
  await writeFile(path, text);
  return readServerSettings(path);
}

const example = fileURLToPath(new URL('../../examples/policies/largest-first.mjs', import.meta.url));

test('the example loads, and its options are checked at start', async () => {
  const text = `policies: {largest: ${JSON.stringify(example)}}\nselection: {name: largest, options: {type: gpu}}`;
  expect(await settings(text)).toMatchObject({ policy: 'largest', policyOptions: { type: 'gpu' } });
  const job = { walltime: 60, priority: 16, submittedAt: 0, deadline: null };
  const contenders = [1, 3, 2].map((rainbow_free_gpu, i) => ({
    cluster: `c${i}`,
    startable: true,
    state: { rainbow_free_gpu },
    hasState: false,
    offer: null,
  }));
  const select = policyNamed('largest').compile({ type: 'gpu' });
  expect(select({ contenders, parameters: {}, seed: '', now: 0, job }).order).toEqual(['c1', 'c2', 'c0']);
  const wrong = text.replace('type: gpu', 'type: "9"');
  await expect(settings(wrong)).rejects.toThrow(/server\.yaml: selection .*policy largest: type: "9" is no type/);
});

test.each([
  ['gone.mjs', null, /policies\.own: .*gone\.mjs does not load: Cannot find module/],
  ['broken.mjs', 'export default {', /policies\.own: .*broken\.mjs does not load/],
  ['throws.mjs', 'throw new Error("not today");', /does not load: not today/],
  ['none.mjs', 'export const x = 1;', /is no policy: its default export must be an object with a function `compile/],
])('%s is a clear error', async (file, content, message) => {
  if (content !== null) await writeFile(join(folder, file), content);
  await expect(settings(`policies: {own: ./${file}}`)).rejects.toThrow(message);
});

test('a built-in one cannot be replaced', async () => {
  await writeFile(join(folder, 'fine.mjs'), 'export default { compile: () => () => ({ order: [], notes: [] }) };');
  await expect(settings('policies: {soonest: ./fine.mjs}')).rejects.toThrow(/soonest is built in/);
  expect(await settings('policies: {own: ./fine.mjs}\nselection: {clientOverride: [own, soonest]}')).toMatchObject({
    clientMayChoosePolicy: true,
    allowedPolicies: ['own', 'soonest'],
  });
});

test('what may be chosen must be there', () => {
  expect(() => serverSettingsOf('selection: {clientOverride: [soonest, fastest]}')).toThrow(
    /selection\.clientOverride\.1 \(line 1, column 39\): there is no policy "fastest"; there is cel, cheapest/,
  );
});

test('clientOverride is one of three', () => {
  expect(() => serverSettingsOf('selection: {clientOverride: maybe}')).toThrow(
    /clientOverride .*must be allow, deny, or a list of policies/,
  );
});
