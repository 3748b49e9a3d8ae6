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
  // 7 is no jobspec, 9 shows a wrong token, 1 repeats the key of 0.
  const said = answers.map(({ job, created, error }) => error?.code ?? `${job!.name} ${created}`);
  const due = (number: number): string => {
    if (number % 100 === 7) return 'invalid_input';
    if (number % 100 === 9) return 'unauthenticated';
    return number % 10 === 1 ? `job-${number - 1} false` : `job-${number} true`;
  };
  expect(said).toEqual(Array.from({ length: total }, (_, number) => due(number)));
  const stored = new Set(answers.flatMap(({ job }) => (job === undefined ? [] : [job.id])));
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
