/** ReadOutput, with an agent's stream on the other side: in order, all of it, and no longer than the job. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RunAs, type AgentService, type Start } from '../../src/gen/rainbow/v1/agent_pb.js';
import { JobState } from '../../src/gen/rainbow/v1/job_pb.js';
import { OutputStream } from '../../src/gen/rainbow/v1/jobs_pb.js';
import { KEEBLER } from './graphs.ts';
import { ONE_CORE } from './jobspecs.ts';
import { Rainbow, user, type Registered } from './rainbow.ts';
import { failure, status, type Duplex } from './raw-client.ts';

type Stream = Duplex<(typeof AgentService)['method']['connect']>;

let rainbow: Rainbow;
let red: Registered;
let stream: Stream | null = null;
beforeEach(async () => {
  rainbow = await Rainbow.start();
  red = await rainbow.register('red', KEEBLER.text);
});
afterEach(async () => {
  stream?.cancel();
  stream = null;
  await rainbow.end();
});

const ada = { authorization: user('ada') };

function hello(secret: string): Stream {
  const opened = rainbow.agents.connect();
  opened.send({
    message: {
      case: 'hello',
      value: {
        protocol: 1,
        cluster: 'red',
        secret,
        instanceId: 'one',
        instanceStartedMs: '1000',
        runner: 'process',
        version: '0',
        runAs: RunAs.SINGLE_USER,
        capacity: 10,
      },
    },
  });
  return opened;
}

/** Connects, submits one job and takes its Start. */
async function started(): Promise<{ start: Start; report: (state: JobState) => void; write: Write }> {
  stream = hello(red.secret);
  const agent = stream;
  const { job } = await rainbow.jobs.submit(
    { jobspec: ONE_CORE, credentials: [{ name: 'red', token: red.token }] },
    ada,
  );
  // By hand: a loop that is left would end the stream.
  const incoming = agent[Symbol.asyncIterator]();
  let start: Start | null = null;
  while (start === null) {
    const { value, done } = await incoming.next();
    if (done === true) throw new Error('the stream ended before the job came');
    if (value.message.case === 'start') start = value.message.value;
  }
  expect(start).toMatchObject({ jobId: job!.id, jobspec: ONE_CORE, epoch: '1' });
  const ids = { jobId: start.jobId, epoch: start.epoch };
  const report = (state: JobState): void =>
    agent.send({ message: { case: 'report', value: { ...ids, state, nativeId: '7', exitCode: 0 } } });
  const write: Write = (offset, text) =>
    agent.send({
      message: {
        case: 'output',
        value: {
          ...ids,
          chunks: [{ task: 0, stream: OutputStream.STDOUT, offset: String(offset), data: Buffer.from(text) }],
        },
      },
    });
  return { start, report, write };
}

type Write = (offset: number, text: string) => void;

async function read(id: string, follow: boolean): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const chunk of rainbow.jobs.readOutput({ id, follow }, ada)) pieces.push(chunk.data);
  return Buffer.concat(pieces).toString();
}

test('a wrong secret is no agent', async () => {
  const denied = hello('wrong');
  stream = denied;
  const refused = await failure(
    (async () => {
      for await (const _ of denied) continue;
    })(),
  );
  expect(refused).toEqual({ code: status.UNAUTHENTICATED, message: 'request denied' });
});

test('what a task writes is read as it comes, to the end, once', async () => {
  const { start, report, write } = await started();
  const following = read(start.jobId, true);
  report(JobState.ACCEPTED);
  report(JobState.RUNNING);
  let text = '';
  for (let i = 0; i < 200; i++) {
    const line = `line ${i}\n`;
    write(text.length, line);
    text += line;
  }
  // A report that is repeated changes nothing.
  write(0, text);
  await expect.poll(() => read(start.jobId, false)).toBe(text);
  write(text.length, 'last\n');
  report(JobState.COMPLETED);
  expect(await following).toBe(`${text}last\n`);
  const ended = await rainbow.jobs.get({ id: start.jobId }, ada);
  expect(ended).toMatchObject({ state: JobState.COMPLETED, exitCode: 0, nativeId: '7' });
  expect(await read(start.jobId, true)).toBe(`${text}last\n`);
});

test('what the cap cut off is said where it is missing', async () => {
  await rainbow.end();
  rainbow = await Rainbow.start({ outputCapBytes: 10 });
  red = await rainbow.register('red', KEEBLER.text);
  const { start, report, write } = await started();
  report(JobState.RUNNING);
  write(0, 'twenty-five bytes of text');
  report(JobState.COMPLETED);
  const chunks: (readonly [string, string, string])[] = [];
  for await (const chunk of rainbow.jobs.readOutput({ id: start.jobId, follow: true }, ada)) {
    chunks.push([chunk.offset, Buffer.from(chunk.data).toString(), chunk.notKept]);
  }
  expect(chunks).toEqual([
    ['0', 'twent', '0'],
    ['5', '', '15'],
    ['20', ' text', '0'],
  ]);
});

test('a reader that goes away leaves nothing behind', async () => {
  const { start, report } = await started();
  report(JobState.RUNNING);
  const leave = new AbortController();
  const following = failure(
    (async () => {
      const chunks = rainbow.jobs.readOutput({ id: start.jobId, follow: true }, { ...ada, signal: leave.signal });
      for await (const _ of chunks) continue;
    })(),
  );
  await expect.poll(async () => (await rainbow.jobs.get({ id: start.jobId }, ada)).state).toBe(JobState.RUNNING);
  leave.abort();
  expect((await following).code).toBe(status.CANCELLED);
  expect((await rainbow.clusters.get({ name: 'red' })).connected).toBe(true);
});
