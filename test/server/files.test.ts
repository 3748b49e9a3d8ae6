/** FileService and submits with files, over a real socket: what is refused, and that nobody gets another's. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createClient, type RainbowClient } from '../../src/client/client.ts';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { serve, type RunningServer } from '../../src/server/serve.ts';
import { submitStaged } from '../../src/cli/stage.ts';
import { realSystem } from '../../src/system/real.ts';
import { errorFrom } from '../../src/store/conformance/fixtures.ts';

const SECRET = 'orange';
const userKey = (letter: string): string => `rbu_${letter.repeat(43)}`;
const LIMITS = { files: 5, bytes: 900_000, fileBytes: 600_000, quota: 2_000_000, unused: 8_000_000 };

let server: RunningServer;
let ada: RainbowClient;
let eve: RainbowClient;
let operator: RainbowClient;
const clients: RainbowClient[] = [];
let red: { token: string; secret: string };

function client(authorization: string): RainbowClient {
  const made = createClient({ host: server.address, authorization });
  clients.push(made);
  return made;
}

beforeAll(async () => {
  server = await serve(
    { host: '127.0.0.1:0', database: ':memory:', version: 'test', secret: SECRET, files: LIMITS, logLevel: 'silent' },
    realSystem,
  );
  ada = client(userKey('A'));
  eve = client(userKey('E'));
  operator = client(SECRET);
  const graph = generateGraph({ name: 'red', nodes: 1, coresPerNode: 4 });
  red = await ada.clusters.register({ name: 'red', secret: SECRET, graph });
  await ada.clusters.register({
    name: 'blue',
    secret: SECRET,
    graph: generateGraph({ name: 'blue', nodes: 1, coresPerNode: 4 }),
  });
});
afterAll(async () => {
  for (const client of clients) client.close();
  await server.stop();
});

const JOBSPEC =
  'version: 1\nresources: [{type: slot, count: 1, label: s, with: [{type: core, count: 1}]}]\ntasks: [{command: [cat, a], slot: s, count: {per_slot: 1}}]\n';

function entry(path: string, data: Uint8Array) {
  const sha256 = createHash('sha256').update(data).digest('hex');
  return { path, size: String(data.byteLength), executable: false, sha256 };
}

const credentials = () => [{ name: 'red', token: red.token }];

/** With what it takes to be let in. */
async function* shown<T extends object>(stream: Iterable<T> | AsyncIterable<T>) {
  for await (const message of stream) yield { credentials: credentials(), ...message };
}

async function* sent(...files: [file: ReturnType<typeof entry>, data: Uint8Array][]) {
  for (const [file, data] of files) {
    yield { file, credentials: credentials() };
    for (let from = 0; from < data.byteLength; from += 100_000) yield { data: data.subarray(from, from + 100_000) };
  }
}

const submit = (
  client: RainbowClient,
  stageIn: ReturnType<typeof entry>[],
  more: { stageOut?: string[]; idempotencyKey?: string } = {},
) => client.jobs.submit({ jobspec: JOBSPEC, credentials: [{ name: 'red', token: red.token }], stageIn, ...more });

async function downloaded(client: RainbowClient, jobId: string, sha256: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const { data } of client.files.download({ jobId, sha256: [sha256] })) pieces.push(data);
  return Buffer.concat(pieces);
}

describe('files over the wire', () => {
  test('who could not submit with what he shows leaves nothing here: a key is made up by anybody', async () => {
    const data = Buffer.from('for nobody');
    const file = entry('a', data);
    const stream = async function* (more: object) {
      yield { file, ...more };
      yield { data };
    };
    const upload = (more: object) => errorFrom(ada.files.upload(stream(more)));
    const missing = (more: object) => errorFrom(ada.files.missing({ files: [file], ...more }));
    const wrong = { credentials: [{ name: 'red', token: 'made up' }] };
    for (const asked of [upload, missing]) {
      expect(await asked({})).toMatchObject({
        code: 'invalid_input',
        message: expect.stringContaining('credentials: is empty'),
      });
      expect(await asked(wrong)).toMatchObject({ code: 'unauthenticated' });
    }
    expect((await ada.files.missing({ files: [file], credentials: credentials() })).sha256).toEqual([file.sha256]);
    await operator.files.upload(stream({}));
    expect((await operator.files.missing({ files: [file] })).sha256).toEqual([]);
  });

  test('only what is missing is sent; a job is stored with its list, and what was sent comes back as it was', async () => {
    const large = randomBytes(550_000);
    const small = Buffer.from('small');
    const files = [entry('in/large', large), entry('in/small', small), entry('empty', Buffer.alloc(0))];
    const { sha256: missing } = await ada.files.missing({ credentials: credentials(), files });
    expect(missing).toHaveLength(3);
    expect((await errorFrom(submit(ada, files))).message).toContain('the contents of 3 files are not here');
    const all = [large, small, Buffer.alloc(0)].map((data, i): [ReturnType<typeof entry>, Buffer] => [files[i]!, data]);
    expect(await ada.files.upload(sent(...all))).toMatchObject({ files: 3, bytes: '550005' });
    expect((await ada.files.missing({ credentials: credentials(), files })).sha256).toEqual([]);
    const { job } = await submit(ada, files, { stageOut: ['out/**'], idempotencyKey: 'once' });
    expect((await ada.jobs.get({ id: job!.id })).files).toMatchObject({
      stageInFiles: 3,
      stageInBytes: '550005',
      stageOut: ['out/**'],
      collected: [],
    });
    expect((await submit(ada, files, { stageOut: ['out/**'], idempotencyKey: 'once' })).job!.id).toBe(job!.id);
    expect(await downloaded(ada, job!.id, files[0]!.sha256)).toEqual(large);
    const paths: string[] = [];
    for await (const page of ada.files.list({ jobId: job!.id, stageIn: true }))
      paths.push(...page.files.map(({ path }) => path));
    expect(paths).toEqual(['empty', 'in/large', 'in/small']);
    expect(await errorFrom(downloaded(eve, job!.id, files[1]!.sha256))).toMatchObject({ code: 'not_found' });
    const nothing = await errorFrom(
      (async () => {
        for await (const _ of ada.files.list({ jobId: job!.id }));
      })(),
    );
    expect(nothing).toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('has brought no files back yet') as string,
    });
  });

  test('a digest opens nothing: what another has is missing for me', async () => {
    const mine = Buffer.from('only mine');
    const file = entry('a', mine);
    await ada.files.upload(sent([file, mine]));
    expect((await eve.files.missing({ credentials: credentials(), files: [file] })).sha256).toEqual([file.sha256]);
    expect(await errorFrom(submit(eve, [file]))).toMatchObject({ code: 'aborted' });
  });

  test.each([
    [
      'a digest that is another’s',
      [{ file: entry('a', Buffer.from('right')) }, { data: Buffer.from('wrong') }],
      /the bytes have the digest/,
    ],
    [
      'more than was said',
      [{ file: entry('a', Buffer.from('x')) }, { data: Buffer.from('xy') }],
      /2 bytes came for a file of 1/,
    ],
    [
      'less',
      [{ file: entry('a', Buffer.from('xyz')) }, { data: Buffer.from('xy') }],
      /ended in the middle of a file: 2 of 3 bytes/,
    ],
    ['data without a file', [{ data: Buffer.from('x') }], /without a file/],
    [
      'a file in a file',
      [{ file: entry('a', Buffer.from('xyz')) }, { file: entry('b', Buffer.from('xyz')) }],
      /before the last was whole/,
    ],
    ['a file that is too large', [{ file: { ...entry('a', Buffer.from('x')), size: '600001' } }], /at most 586 KiB/],
    [
      'a digest that is none',
      [{ file: { ...entry('a', Buffer.from('x')), sha256: '../../etc' } }],
      /64 hexadecimal digits/,
    ],
  ])('an upload with %s is refused, and leaves nothing', async (_what, messages, words) => {
    async function* stream() {
      yield* messages;
    }
    const refused = await errorFrom(ada.files.upload(shown(stream())));
    expect(refused).toMatchObject({ code: 'invalid_input' });
    expect(refused.message).toMatch(words);
  });

  test('a large upload that breaks off gives back its part of the quota', async () => {
    const data = randomBytes(590_000);
    for (let i = 0; i < 6; i++) {
      async function* broken() {
        yield { file: entry('a', data) };
        yield { data: data.subarray(0, 500_000) };
      }
      expect(await errorFrom(eve.files.upload(shown(broken())))).toMatchObject({ code: 'invalid_input' });
    }
    expect(await eve.files.upload(sent([entry('a', data), data]))).toMatchObject({ files: 1 });
  });

  test('what no job has is bounded for everybody together, and sent for a job it makes room again', async () => {
    const others = ['F', 'G', 'H', 'I', 'J', 'K'].map((letter) => client(userKey(letter)));
    const contents = others.map(() => randomBytes(590_000));
    const kept = await Promise.allSettled(
      others.map((other, i) => other.files.upload(sent([entry('a', contents[i]!), contents[i]!]))),
    );
    const refused = kept.flatMap((each) => (each.status === 'rejected' ? [each.reason as Error] : []));
    expect(refused.length).toBeGreaterThan(0);
    for (const { message } of refused) {
      expect(message).toMatch(
        /this server keeps 1.9 MiB .* of files that no job has .* with one token.*`files.unusedBytes`/,
      );
    }
    for (const [i, each] of kept.entries()) {
      if (each.status === 'rejected') continue;
      await submit(others[i]!, [entry('a', contents[i]!)]);
    }
    const late = kept.findIndex(({ status }) => status === 'rejected');
    expect(await others[late]!.files.upload(sent([entry('a', contents[late]!), contents[late]!]))).toMatchObject({
      files: 1,
    });
  });

  test.each([
    [[{ path: '../up' }], /files\[0\]\.path: "\.\.\/up" has the part "\.\."/],
    [[{ path: '/etc/x' }], /is absolute/],
    [[{ path: 'a' }, { path: 'a/b' }], /both a file and a folder/],
    [Array.from({ length: 6 }, (_, i) => ({ path: `f${i}` })), /6 files are more than a job may have; at most 5/],
    [[{ path: 'a', size: '600001' }], /a file may have at most/],
    [
      [
        { path: 'a', size: '500000' },
        { path: 'b', size: '500000', sha256: 'b'.repeat(64) },
      ],
      /at most 879 KiB \(900000 bytes\)/,
    ],
    [[{ path: 'a', size: '-1' }], /is not a whole number/],
  ])('what could not be kept is refused before it is sent: %j', async (files, words) => {
    const listed = files.map((file) => ({ size: '1', sha256: 'a'.repeat(64), ...file }));
    for (const refused of [
      await errorFrom(ada.files.missing({ credentials: credentials(), files: listed })),
      await errorFrom(
        ada.jobs.submit({ jobspec: JOBSPEC, credentials: [{ name: 'red', token: red.token }], stageIn: listed }),
      ),
    ]) {
      expect(['invalid_input', 'resource_exhausted']).toContain(refused.code);
      expect(refused.message.replace('stage_in', 'files')).toMatch(words);
    }
  });

  test('a pattern that leads out is refused', async () => {
    for (const pattern of ['/etc/*', '../*', 'a/../../b', '[']) {
      expect((await errorFrom(submit(ada, [], { stageOut: ['ok', pattern] }))).message).toContain('stage_out[1]');
    }
  });

  test('an agent has no part in what its cluster does not hold', async () => {
    const data = Buffer.from('for red');
    const file = entry('a', data);
    await ada.files.upload(sent([file, data]));
    const { job } = await submit(ada, [file]);
    const holder = { cluster: 'red', secret: red.secret, jobId: job!.id, epoch: '1' };
    const asked = (as: typeof holder) =>
      errorFrom(
        (async () => {
          for await (const _ of ada.files.download({ holder: as, jobId: job!.id, sha256: [file.sha256] }));
        })(),
      );
    // Assigned, and nobody holds it yet.
    expect(await asked(holder)).toMatchObject({ code: 'failed_precondition' });
    expect(await asked({ ...holder, secret: 'wrong' })).toMatchObject({ code: 'unauthenticated' });
    expect(await asked({ ...holder, cluster: 'blue' })).toMatchObject({ code: 'unauthenticated' });
    expect(await errorFrom(ada.files.collect({ holder, files: [] }))).toMatchObject({ code: 'failed_precondition' });
    expect(await errorFrom(ada.files.collect({ files: [] }))).toMatchObject({ code: 'unauthenticated' });
  });

  test('a client that polls is not given a job with files', async () => {
    const { job } = await submit(ada, [], { stageOut: ['*'] });
    const answer = await ada.prototype.receiveJobs({ cluster: 'red', secret: red.secret, maxJobs: 100 });
    expect(Object.keys(answer.jobs)).toEqual([]);
    const { attempts } = await ada.jobs.get({ id: job!.id });
    expect(attempts[0]!.reason).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('files cannot travel') as string,
    });
  });
});

test('in a full room a newcomer takes the place of the oldest of who has most, who sends them again', async () => {
  const full = await serve(
    {
      host: '127.0.0.1:0',
      database: ':memory:',
      version: 'test',
      secret: SECRET,
      files: { ...LIMITS, unused: 2_000_000 },
      logLevel: 'silent',
    },
    realSystem,
  );
  const people = ['A', 'B', 'C'].map((letter) => createClient({ host: full.address, authorization: userKey(letter) }));
  onTestFinished(async () => {
    for (const each of people) each.close();
    await full.stop();
  });
  const users = [];
  for (const [i, person] of people.entries()) {
    const name = `cluster-${i}`;
    const graph = generateGraph({ name, nodes: 1, coresPerNode: 4 });
    const { token } = await person.clusters.register({ name, secret: SECRET, graph });
    users.push({
      upload: async (data: Uint8Array) => {
        async function* stream() {
          yield { file: entry('a', data), credentials: [{ name, token }] };
          yield { data };
        }
        await person.files.upload(stream());
      },
      submit: (data: Uint8Array) =>
        person.jobs.submit({ jobspec: JOBSPEC, credentials: [{ name, token }], stageIn: [entry('a', data)] }),
    });
  }
  const [most, some, late] = users as [(typeof users)[0], (typeof users)[0], (typeof users)[0]];
  const files = [300_000, 300_000, 300_000, 600_000, 600_000].map((size) => randomBytes(size));
  for (const data of files.slice(0, 3)) await most.upload(data);
  await some.upload(files[3]!);
  await late.upload(files[4]!);
  const gone = await errorFrom(most.submit(files[0]!));
  expect(gone).toMatchObject({ code: 'aborted' });
  expect(gone.message).toMatch(/the contents of 1 files are not here, or not any more: send them .*, and submit again/);
  // More than a fair share does not come in again while it is full.
  expect((await errorFrom(most.upload(files[0]!))).message).toMatch(/keeps 1.9 MiB .* of everybody together/);
  for (const [user, data] of [
    [most, files[1]!],
    [some, files[3]!],
    [late, files[4]!],
  ] as const) {
    expect((await user.submit(data)).created).toBe(true);
  }
  const staged = { stageIn: [entry('a', files[0]!)], stageOut: [] };
  let sentAgain = 0;
  const again = async (): Promise<void> => {
    sentAgain += 1;
    await most.upload(files[0]!);
  };
  expect((await submitStaged(staged, again, () => most.submit(files[0]!))).created).toBe(true);
  expect(sentAgain).toBe(1);
  const never = randomBytes(9);
  const nothing = async (): Promise<void> => void (sentAgain += 1);
  expect(await errorFrom(submitStaged(staged, nothing, () => most.submit(never)))).toMatchObject({ code: 'aborted' });
  expect(sentAgain).toBe(3);
});
