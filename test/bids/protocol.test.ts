/** BidService and the submit's wishes, over a real socket; and the command lines around them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BidService } from '../../src/gen/rainbow/v1/bid_pb.js';
import { expectExit, homeIn, rainbow as command, temporaryFolder } from '../cli/command-line.ts';
import { KEEBLER } from '../server/graphs.ts';
import { ONE_CORE } from '../server/jobspecs.ts';
import { OPERATOR, Rainbow, SECRET, user, type Registered } from '../server/rainbow.ts';
import { failure } from '../server/raw-client.ts';

let rainbow: Rainbow;
let red: Registered;
let blue: Registered;
beforeEach(async () => {
  rainbow = await Rainbow.start({ policy: 'first' });
  [red, blue] = [await rainbow.register('red', KEEBLER.text), await rainbow.register('blue', KEEBLER.text)];
});
afterEach(() => rainbow.end());

const bids = () => rainbow.connection.client(BidService);
const submit = (who: string, more: object = {}) =>
  rainbow.jobs.submit(
    { jobspec: ONE_CORE, credentials: [red, blue].map(({ name, token }) => ({ name, token })), ...more },
    { authorization: user(who) },
  );

test('what a submit wishes is kept with the job, and wrong wishes are refused', async () => {
  const { job, decision } = await submit('ada', { ask: true, rebid: false, bidWithin: 0.2 });
  expect(job).toMatchObject({ ask: true, rebid: false });
  expect(decision).toMatchObject({ asked: true });
  // Nobody can be asked there: the server bids for them.
  expect(decision!.candidates.map(({ bid }) => bid?.byProxy)).toEqual([true, true]);
  expect((await submit('ada')).decision).toMatchObject({ asked: false });
  for (const bidWithin of [-1, Number.NaN, 61]) {
    expect(await failure(submit('ada', { bidWithin }))).toMatchObject({
      message: expect.stringContaining('bid_within: must be from 0 to 60 seconds'),
    });
  }
});

test('replay looks at the caller’s own jobs, for operators at all, in the time that was asked for', async () => {
  for (const who of ['ada', 'ada', 'bob']) await submit(who, { ask: true });
  const replay = (more: object, authorization: string) =>
    bids().replay({ policy: 'random', ...more }, { authorization });
  expect(await replay({}, user('ada'))).toMatchObject({ decisions: 2, skipped: 0, policy: 'random' });
  expect(await replay({}, OPERATOR)).toMatchObject({ decisions: 3, compared: 3 });
  expect(await replay({ limit: 1 }, OPERATOR)).toMatchObject({ decisions: 1, cut: true });
  expect(await replay({ since: timestampFromMs(0), until: timestampFromMs(1) }, OPERATOR)).toMatchObject({
    decisions: 0,
  });
  expect(await replay({ policy: 'first' }, OPERATOR)).toMatchObject({ decisions: 3, changed: 0 });
  expect(await replay({ policy: 'nonsense' }, OPERATOR).catch(String)).toContain('did not find algorithm');
  expect(await replay({ policy: '' }, OPERATOR).catch(String)).toContain('policy: name the policy to run instead');
  expect(await replay({ policy: '', shadow: true }, OPERATOR)).toMatchObject({ decisions: 0 });
});

test('a cluster’s record is there for whoever may see the cluster', async () => {
  const record = await bids().getRecord({ cluster: 'red' }, { authorization: user('ada') });
  expect(record).toMatchObject({ cluster: 'red', calibrations: [] });
  expect(await failure(bids().getRecord({ cluster: 'green' }, { authorization: user('ada') }))).toMatchObject({
    message: expect.stringContaining('there is no cluster "green"'),
  });
});

test('a tariff that cannot be right is refused with its place, before anything is registered', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'tariff.yaml');
  await writeFile(file, 'currency: EUR\nperHour: {node: -1}\n');
  const host = ['--host', rainbow.server.address];
  const env = homeIn(folder);
  const agent = ['agent', '--cluster-name', 'new', '--register-secret', SECRET, '--tariff', file, ...host];
  const refused = await command(agent, { env });
  expectExit(refused, 1);
  expect(refused.stderr).toMatch(/tariff.yaml: tariff.perHour.node \(line 2, column 17\): must be from 0/);
  expect((await rainbow.clusters.list({}, { authorization: OPERATOR })).clusters.map(({ name }) => name)).toEqual([
    'blue',
    'red',
  ]);
  expectExit(await command(['replay', ...host], { env }), 2);
  expectExit(await command(['replay', '--shadow', '--policy', 'first', ...host], { env }), 2);
});
