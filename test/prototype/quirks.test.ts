/**
 * The quirks of the prototype's clients, each by itself and as bytes: what they send that nobody would write down in a
 * contract, and what they make of the answers. Whole conversations are in recorded.test.ts, the clients themselves in
 * python-client.test.ts, go-client.test.ts and import-alone.test.ts.
 */
import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { file_prototype_memory as memory } from '../../src/gen/prototype/memory_pb.js';
import { file_prototype_rainbow as scheduler } from '../../src/gen/prototype/rainbow_pb.js';
import { KEEBLER } from '../server/graphs.ts';
import { ONE_CORE, simple } from '../server/jobspecs.ts';
import { Rainbow, SECRET, type Registered } from '../server/rainbow.ts';
import { failure, status } from '../server/raw-client.ts';

let rainbow: Rainbow;
let red: Registered;
beforeAll(async () => {
  rainbow = await Rainbow.start();
  red = await rainbow.register('red', KEEBLER.text);
});
afterAll(() => rainbow.end());

const SCHEDULER = '/convergedcomputing.org.grpc.v1.RainbowScheduler/';
const GRAPH = '/service.MemoryGraph/';

/** One field in protobuf's encoding: text, bytes or a message by length, a number as varint. */
function field(number: number, value: string | Buffer | number): Buffer {
  if (typeof value === 'number') return Buffer.concat([varint(number << 3), varint(value)]);
  const bytes = Buffer.from(value);
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left > 127; left >>>= 7) bytes.push((left & 127) | 128);
  return Buffer.from([...bytes, left]);
}

/** Numbers and texts of a message, by field; enough for its flat answers. */
function fieldsOf(bytes: Buffer): Record<number, (string | number)[]> {
  const found: Record<number, (string | number)[]> = {};
  let at = 0;
  const read = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = read();
    const length = read();
    const isText = (tag & 7) === 2;
    (found[tag >> 3] ??= []).push(isText ? bytes.toString('utf8', at, at + length) : length);
    if (isText) at += length;
  }
  return found;
}

const own = (): Buffer[] => [field(1, red.name), field(2, red.secret)];

describe('the contract', () => {
  const kindOf = (of: DescField): string =>
    of.fieldKind === 'scalar' || of.fieldKind === 'enum' ? '' : of.fieldKind === 'message' ? '' : ` ${of.fieldKind}`;
  const written = ({ name, fields, nestedMessages, nestedEnums }: DescMessage): string[] => [
    `${name}: ${fields.map((each) => `${each.name}=${each.number}${kindOf(each)}`).join(', ')}`,
    ...nestedMessages.filter(({ fields: [first] }) => first?.name !== 'key').flatMap(written),
    ...nestedEnums.map(({ values }) => `  ${values.map((each) => `${each.name}=${each.number}`).join(', ')}`),
  ];

  test('names and numbers of the scheduler are those of the prototype', () => {
    expect(scheduler.messages.flatMap(written)).toEqual([
      'RegisterRequest: name=1, secret=2, nodes=3, subsystem=4, sent=5',
      'RegisterResponse: request_id=1, token=2, secret=3, status=4',
      '  REGISTER_UNSPECIFIED=0, REGISTER_SUCCESS=1, REGISTER_ERROR=2, REGISTER_DENIED=3, REGISTER_EXISTS=4',
      'DeleteRequest: name=1, secret=2, subsytem=3',
      'DeleteResponse: status=1',
      '  DELETE_SUCCESS=0, DELETE_ERROR=1, DELETE_DENIED=2, DELETE_NO_EXISTS=3',
      'UpdateStateRequest: cluster=1, secret=2, payload=3',
      'UpdateStateResponse: status=1',
      '  UPDATE_STATE_UNSPECIFIED=0, UPDATE_STATE_PARTIAL=1, UPDATE_STATE_SUCCESS=2, UPDATE_STATE_ERROR=3',
      'SubmitJobRequest: name=1, clusters=2 list, jobspec=3, select_algorithm=4, select_options=5 map, satisfy_only=6, sent=7',
      'Cluster: name=1, token=2',
      'SubmitJobResponse: request_id=1, jobid=2, cluster=3, status=4, clusters=5 list',
      '  SUBMIT_UNSPECIFIED=0, SUBMIT_SUCCESS=1, SUBMIT_ERROR=2, SUBMIT_DENIED=3',
      'ReceiveJobsRequest: cluster=1, secret=2, maxJobs=3, sent=7',
      'ReceiveJobsResponse: request_id=1, jobs=2 map, status=3',
      '  REQUEST_JOBS_NORESULTS=0, REQUEST_JOBS_SUCCESS=1, REQUEST_JOBS_ERROR=2, REQUEST_JOBS_DENIED=3',
      'AcceptJobsRequest: cluster=1, secret=2, jobids=3 list, sent=4',
      'AcceptJobsResponse: status=1',
      '  RESULT_TYPE_UNSPECIFIED=0, RESULT_TYPE_PARTIAL=1, RESULT_TYPE_SUCCESS=2, RESULT_TYPE_ERROR=3',
    ]);
  });

  test('and those of the graph', () => {
    expect(memory.messages.flatMap(written)).toEqual([
      'RegisterRequest: name=1, payload=2, subsystem=3',
      'SatisfyRequest: payload=1, matcher=2',
      'SatisfyResponse: clusters=1 list, status=2, total_clusters=3, total_matches=4, total_mismatches=5',
      '  RESULT_TYPE_UNSPECIFIED=0, RESULT_TYPE_SUCCESS=1, RESULT_TYPE_ERROR=2',
      'Response: status=1',
      '  RESULT_TYPE_UNSPECIFIED=0, RESULT_TYPE_SUCCESS=1, RESULT_TYPE_ERROR=2',
    ]);
  });
});

test('register: a name that is taken is OK with EXISTS and nothing to save, whatever the graph; a failure is never OK', async () => {
  const request = [field(1, 'red'), field(2, SECRET), field(3, '{"graph": {}}'), field(5, field(1, 1_700_000_000))];
  const exists = fieldsOf(await rainbow.connection.bytes(`${SCHEDULER}Register`, Buffer.concat(request)));
  expect(exists).toEqual({ 1: [expect.stringMatching(/^[0-9a-f-]{36}$/)], 4: [4] });
  const wrong = rainbow.connection.bytes(`${SCHEDULER}Register`, Buffer.concat([field(1, 'red'), field(2, 'no')]));
  expect((await failure(wrong)).code).toBe(status.UNAUTHENTICATED);
});

describe('submit', () => {
  const entry = (name: string, token: string): Buffer => field(2, Buffer.concat([field(1, name), field(2, token)]));
  const submit = (...parts: Buffer[]): Promise<Buffer> =>
    rainbow.connection.bytes(
      `${SCHEDULER}SubmitJob`,
      Buffer.concat([field(1, 'app'), ...parts, field(3, ONE_CORE), field(7, field(1, 1_700_000_000))]),
    );

  test('the Go client sends empty entries for clusters that it has no token for, and no algorithm', async () => {
    const empty = field(2, Buffer.alloc(0));
    const answer = fieldsOf(await submit(empty, entry('red', red.token), empty, entry('', 'x'), entry('blue', '')));
    expect(answer).toMatchObject({ 3: ['red'], 4: [1] });
    expect((await failure(submit(empty, empty))).message).toContain('one or more authenticated clusters are required');
    expect((await failure(submit(entry('red', red.token), entry('red', 'wrong')))).message).toContain('request denied');
  });

  test('its simple jobs are all called app: each is a job', async () => {
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push(fieldsOf(await submit(entry('red', red.token)))[2]?.[0]);
    expect(new Set(ids).size).toBe(3);
  });

  test('the Python client always names an algorithm, and sends the options of its configuration', async () => {
    const option = field(5, Buffer.concat([field(1, 'unused'), field(2, 'x')]));
    const answer = fieldsOf(await submit(entry('red', red.token), field(4, 'random'), option));
    expect(answer).toMatchObject({ 3: ['red'], 4: [1] });
    const unknown = await failure(submit(entry('red', red.token), field(4, 'tarot'), option));
    expect(unknown.message).toContain('did not find algorithm named tarot');
  });

  test('satisfy_only answers the clusters, and stores nothing', async () => {
    const before = (await rainbow.clusters.get({ name: 'red' })).jobs;
    const answer = fieldsOf(await submit(entry('red', red.token), field(6, 1)));
    expect(answer).toEqual({ 1: [expect.any(String)], 4: [1], 5: ['red'] });
    expect((await rainbow.clusters.get({ name: 'red' })).jobs).toEqual(before);
  });

  test('what only its Python side writes is taken: requires as a map or text, a command as text', async () => {
    const jobspec = {
      version: 1,
      requires: { software: [{ field: 'type', match: 'mpi' }] },
      resources: { app: { type: 'node', replicas: 1, with: [{ type: 'core', count: 1 }] } },
      tasks: [{ command: 'echo hello', resources: 'app', requires: ['software'] }],
      steps: [{ name: 'stage' }],
      depends_on: ['nothing'],
    };
    expect(await rainbow.satisfying(jobspec)).toEqual(['red']);
    expect((await rainbow.submit([red], JSON.stringify(jobspec))).cluster).toBe('red');
    expect(await rainbow.satisfying(simple(1, 0))).toEqual(['red']);
  });
});

describe('receive and accept', () => {
  const receive = (...more: Buffer[]): Promise<Buffer> =>
    rainbow.connection.bytes(`${SCHEDULER}ReceiveJobs`, Buffer.concat([...own(), ...more]));
  const accept = async (...ids: Buffer[]): Promise<number> => {
    const request = Buffer.concat([...own(), ...ids, field(4, field(1, 1_700_000_000))]);
    const answer = await rainbow.connection.bytes(`${SCHEDULER}AcceptJobs`, request);
    return Number(fieldsOf(answer)[1]?.[0] ?? 0);
  };

  test('maxJobs is field 3 and sent field 7; the jobs are JSON by number; no jobs is an empty OK', async () => {
    while (fieldsOf(await receive())[2] !== undefined);
    for (let i = 0; i < 3; i++) await rainbow.submit([red], ONE_CORE);
    const sent = field(7, field(1, 1_700_000_000));
    const one = fieldsOf(await receive(field(3, 1), sent));
    expect([one[2]?.length, one[3]]).toEqual([1, [1]]);
    const mapped = fieldsOf(Buffer.from(one[2]![0] as string));
    const job = JSON.parse(mapped[2]![0] as string) as Record<string, unknown>;
    expect(Object.keys(job)).toEqual(['id', 'cluster', 'name', 'jobspec', 'command']);
    expect(job).toMatchObject({ id: mapped[1]![0], cluster: 'red', jobspec: ONE_CORE, command: '' });
    // Negative is a varint of ten bytes, and means all.
    const all = Buffer.from([0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    expect(fieldsOf(await receive(all))[2]).toHaveLength(2);
    expect(Object.keys(fieldsOf(await receive()))).toEqual(['1']);
  });

  test('everything received is accepted at once, packed or not; twice and unknown numbers are no errors', async () => {
    const job = (await rainbow.submit([red], ONE_CORE)).jobid;
    await receive();
    expect(await accept(field(3, job), field(3, job))).toBe(2);
    expect(await accept(field(3, Buffer.concat([varint(job), varint(job)])))).toBe(2);
    expect(await accept(field(3, Buffer.concat([varint(job), varint(9_999)])))).toBe(1);
    expect(await accept(field(3, 9_999))).toBe(1);
    expect((await failure(accept())).message).toContain('one or more jobs must be accepted');
  });
});

test('delete: the newest Python stub sends a RegisterRequest and reads a RegisterResponse', async () => {
  const green = await rainbow.register('green', KEEBLER.text);
  const request = Buffer.concat([field(1, 'green'), field(2, green.secret)]);
  expect(await rainbow.connection.bytes(`${SCHEDULER}Delete`, request)).toHaveLength(0);
  const again = await failure(rainbow.connection.bytes(`${SCHEDULER}Delete`, request));
  expect(again.code).toBe(status.UNAUTHENTICATED);
});

test('state: a file is encoded once more by the Python client', async () => {
  const update = (payload: string): Promise<Buffer> =>
    rainbow.connection.bytes(`${SCHEDULER}UpdateState`, Buffer.concat([...own(), field(3, payload)]));
  expect(fieldsOf(await update(JSON.stringify('{"nodes_free": 7}\n')))).toEqual({ 1: [2] });
  expect((await rainbow.clusters.get({ name: 'red' })).state).toMatchObject({ nodes_free: 7 });
  for (const wrong of [JSON.stringify(JSON.stringify('{"nodes_free": 8}')), '[1]', '']) {
    expect((await failure(update(wrong))).code).toBe(status.INVALID_ARGUMENT);
  }
});

test('the graph: Satisfy asks without a name, by either of its matchers or none; Register is refused', async () => {
  for (const matcher of ['', 'match', 'range', 'equals']) {
    const request = Buffer.concat([field(1, JSON.stringify(simple(1, 1))), field(2, matcher)]);
    const answer = fieldsOf(await rainbow.connection.bytes(`${GRAPH}Satisfy`, request));
    expect(answer).toEqual({ 1: ['red'], 2: [1], 3: [1], 4: [1] });
  }
  const none = field(1, JSON.stringify(simple(100, 100)));
  // Nobody fits: that is an answer, too; its clients look at the list.
  expect(fieldsOf(await rainbow.connection.bytes(`${GRAPH}Satisfy`, none))).toEqual({ 2: [1], 3: [1], 5: [1] });
  const graph = Buffer.concat([field(1, 'blue'), field(2, KEEBLER.text)]);
  const refused = await failure(rainbow.connection.bytes(`${GRAPH}Register`, graph));
  expect(refused.code).toBe(status.PERMISSION_DENIED);
});

test('fields that nobody knows are passed over', async () => {
  const request = Buffer.concat([...own(), field(3, '{"a": 1}'), field(99, 'new'), field(100, 7)]);
  expect(fieldsOf(await rainbow.connection.bytes(`${SCHEDULER}UpdateState`, request))).toEqual({ 1: [2] });
});
