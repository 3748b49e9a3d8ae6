/**
 * The first message of an agent: who it is, and what it holds. Nothing else is read before it, and it has to come
 * soon: a caller that connects and is silent costs no more than its socket for a few seconds.
 */
import { invalid, RainbowError } from '../../core/errors.ts';
import { RunAs, type AgentMessage, type Hello } from '../../gen/rainbow/v1/agent_pb.js';
import type { AgentInstance } from '../../store/store.ts';
import type { System } from '../../system/system.ts';
import { MOST_ACCOUNTS } from '../../wire/limits.ts';
import { PROTOCOL } from './messages.ts';
import { kept } from './report.ts';

/** An agent's clock decides which instance is newer: one that is further ahead would fence all that come after it. */
const MOST_AHEAD_MS = 10 * 60 * 1000;
const MOST_TEXT = 128;

/** Throws `deadline_exceeded`, `failed_precondition` (another protocol) or `invalid_input`. */
export async function readHello(
  incoming: AsyncIterator<AgentMessage>,
  system: System,
  withinSeconds: number,
): Promise<Hello> {
  const late = Promise.withResolvers<never>();
  const timer = system.timers.after(withinSeconds * 1000, () =>
    late.reject(
      new RainbowError('deadline_exceeded', `no Hello within ${withinSeconds} s: it must be the first message`),
    ),
  );
  try {
    const step = await Promise.race([incoming.next(), late.promise]);
    if (step.done === true) throw new RainbowError('invalid_input', 'the stream ended before a Hello');
    const { message } = step.value;
    if (message.case !== 'hello')
      throw invalid('message', `the first message must be hello, not ${message.case ?? 'empty'}`);
    return checked(message.value);
  } finally {
    timer.cancel();
  }
}

function checked(hello: Hello): Hello {
  if (hello.protocol !== PROTOCOL) {
    throw new RainbowError(
      'failed_precondition',
      `this server speaks agent protocol ${PROTOCOL}, not ${hello.protocol}: use an agent of the server's version`,
      { place: 'hello.protocol' },
    );
  }
  if (hello.instanceId === '' || hello.instanceId.length > MOST_TEXT) {
    throw invalid('hello.instance_id', `must be 1 to ${MOST_TEXT} characters, new with every start of the agent`);
  }
  if (hello.capacity < 0) throw invalid('hello.capacity', 'must be 0 or more');
  return hello;
}

/** Throws `failed_precondition` where the agent's clock is far ahead of ours. */
export function instanceOf(hello: Hello, now: number): AgentInstance {
  const startedAt = Number(hello.instanceStartedMs);
  if (!Number.isSafeInteger(startedAt) || startedAt < 0) {
    throw invalid('hello.instance_started_ms', 'must be milliseconds since 1970');
  }
  if (startedAt > now + MOST_AHEAD_MS) {
    throw new RainbowError(
      'failed_precondition',
      `the agent's clock is ${Math.round((startedAt - now) / 1000)} s ahead of the server's: set it right and start the agent again`,
      { place: 'hello.instance_started_ms' },
    );
  }
  return {
    id: kept(hello.instanceId, MOST_TEXT),
    startedAt,
    runner: kept(hello.runner, MOST_TEXT),
    version: kept(hello.version, MOST_TEXT),
    runAs: hello.runAs === RunAs.MAPPED ? 'mapped' : 'single-user',
    ...(hello.runAs === RunAs.MAPPED && hello.accounts !== undefined
      ? { accounts: accountsOf(hello.accounts.owners) }
      : {}),
    ...(hello.containers === '' ? {} : { containers: kept(hello.containers, MOST_TEXT) }),
  };
}

/** As long as an owner can be; none that is longer has submitted anything. */
const MOST_OWNER = 256;

function accountsOf(owners: readonly string[]): readonly string[] {
  if (owners.length > MOST_ACCOUNTS) {
    throw invalid('hello.accounts', `${owners.length} of them; at most ${MOST_ACCOUNTS}, else leave it out`);
  }
  const known = owners.filter((owner) => owner !== '' && owner.length <= MOST_OWNER && !/\s/.test(owner));
  return [...new Set(known)].sort((a, b) => (a < b ? -1 : 1));
}
