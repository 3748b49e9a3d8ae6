/** SubmitMany over a real socket: in order, durable, with refusals beside. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KEEBLER } from './graphs.ts';
import { ONE_CORE } from './jobspecs.ts';
import { OPERATOR, Rainbow, user, type Registered } from './rainbow.ts';
import { failure } from './raw-client.ts';

const ada = { authorization: user('ada') };
let rainbow: Rainbow;
let red: Registered;
beforeEach(async () => {
  rainbow = await Rainbow.start();
  red = await rainbow.register('red', KEEBLER.text);
});
afterEach(() => rainbow.end());

test('as many as come are answered in their order, each refusal with its reason, and all are stored once', async () => {
  const stream = rainbow.jobs.submitMany(ada);
  const total = 600;
  for (let number = 0; number < total; number++) {
    const jobspec = number % 100 === 7 ? 'version: 1\nresources: 7\n' : ONE_CORE;
    const token = number % 100 === 9 ? 'wrong' : red.token;
    const credentials = [{ name: 'red', token }];
    // Every tenth says the key of the one before it again.
    const idempotencyKey = `key-${number % 10 === 1 ? number - 1 : number}`;
    stream.send({ name: `job-${number}`, jobspec, credentials, idempotencyKey });
  }
  stream.end();
  const answers = [];
  for await (const answer of stream) answers.push(answer);
  expect(answers).toHaveLength(total);
  const stored = new Set<string>();
  answers.forEach(({ job, created, error }, number) => {
    if (number % 100 === 7) return expect(error?.code).toBe('invalid_input');
    if (number % 100 === 9) return expect(error?.code).toBe('unauthenticated');
    const repeats = number % 10 === 1;
    expect(job?.name).toBe(`job-${repeats ? number - 1 : number}`);
    expect(created).toBe(!repeats);
    stored.add(job!.id);
    return undefined;
  });
  const { jobs } = await rainbow.jobs.list({ all: true, limit: 1_000 }, { authorization: OPERATOR });
  expect(new Set(jobs.map(({ id }) => id))).toEqual(stored);
});

test('a caller whom nobody knows is refused as a whole', async () => {
  const stream = rainbow.jobs.submitMany();
  stream.send({ jobspec: ONE_CORE });
  const reading = (async () => {
    for await (const answer of stream) expect(answer).toBeUndefined();
  })();
  expect((await failure(reading)).message).toContain('say who you are');
});
