/**
 * The bytes that the prototype's own clients sent, played again to our server: the promise of the wire, kept where
 * those clients cannot be installed. Secrets and tokens of then are replaced by today's (they are as long); everything
 * else is as it was, HTTP/2 preface, settings, header compression and all.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { fromBinary, toJson, type JsonObject } from '@bufbuild/protobuf';
import { afterEach, describe, expect, test } from 'vitest';
import { Rainbow } from '../server/rainbow.ts';
import { answerOf, hear, type Conversation, type Heard, type Recording } from './conversation.ts';

const folder = fileURLToPath(new URL('recorded/', import.meta.url));
const recordings = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(`${folder}${name}`, 'utf8')) as Recording);

let rainbow: Rainbow;
afterEach(() => rainbow.end());

describe.each(recordings)('$client', ({ values, conversations }) => {
  test('is answered as it was', { timeout: 120_000 }, async () => {
    rainbow = await Rainbow.start();
    /** Values of the recording → values of today. */
    const today = new Map<string, string>();
    for (const conversation of conversations) {
      const recorded = hear(
        Buffer.concat(
          conversation.turns.filter(([side]) => side === 'server').map(([, bytes]) => Buffer.from(bytes, 'base64')),
        ),
      );
      const heard = await replay(conversation, today);
      const { step } = conversation;
      expect({ step, errors: heard.errors }).toEqual({ step, errors: [] });
      const before = answers(conversation, recorded);
      const now = answers(conversation, heard);
      for (const [place, answer] of before.entries()) {
        for (const [key, value] of Object.entries(answer ?? {})) {
          const given = now[place]?.[key];
          if (typeof value === 'string' && Object.values(values).includes(value) && typeof given === 'string') {
            today.set(value, given);
          }
        }
      }
      expect({ step, answers: now.map(masked) }).toEqual({ step, answers: before.map(masked) });
    }
    expect([...today.keys()].sort()).toEqual([...new Set(Object.values(values))].sort());
  });
});

/** Per call its answer; null where it was refused: headers alone, no message. */
function answers({ calls, step }: Conversation, { streams }: Heard): readonly (JsonObject | null)[] {
  const inOrder = [...streams].sort(([a], [b]) => a - b).map(([, stream]) => stream);
  expect({ step, answered: inOrder.length }).toEqual({ step, answered: calls.length });
  return inOrder.map((stream, place) => {
    expect({ step, call: calls[place], ended: stream.ended }).toMatchObject({ ended: true });
    const [message] = stream.messages;
    if (message === undefined) return null;
    const type = answerOf(calls[place]!);
    return toJson(type, fromBinary(type, message)) as JsonObject;
  });
}

/** Without what differs each time: that it is there, and its form, count. */
function masked(answer: JsonObject | null): unknown {
  if (answer === null) return null;
  const form = (value: unknown): unknown =>
    typeof value === 'string' && /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(value) ? '(uuid)' : value;
  return Object.fromEntries(Object.entries(answer).map(([key, value]) => [key, form(value)]));
}

/** Turn by turn, as the client did: what it sent after the server's word is sent after the server's word. */
async function replay(conversation: Conversation, today: ReadonlyMap<string, string>): Promise<Heard> {
  const socket = connect({ host: '127.0.0.1', port: rainbow.server.port });
  let heard = Buffer.alloc(0);
  const connection = { over: false };
  let wake = (): void => {};
  const next = (): Promise<void> => new Promise((resolve) => void (wake = resolve));
  socket.on('data', (bytes: Buffer) => {
    heard = Buffer.concat([heard, bytes]);
    wake();
  });
  for (const event of ['end', 'close', 'error'] as const) {
    socket.on(event, () => {
      connection.over = true;
      wake();
    });
  }
  try {
    let spoken = 0;
    for (const [side, bytes] of conversation.turns) {
      if (side === 'server') {
        while (heard.length <= spoken && !connection.over) await next();
        spoken = heard.length;
      } else {
        socket.write(withValues(Buffer.from(bytes, 'base64'), today));
      }
    }
    const done = (): boolean => {
      const { streams, errors } = hear(heard);
      const ended = [...streams.values()].filter((stream) => stream.ended).length;
      return connection.over || errors.length > 0 || ended >= conversation.calls.length;
    };
    while (!done()) await next();
    return hear(heard);
  } finally {
    socket.destroy();
  }
}

function withValues(bytes: Buffer, today: ReadonlyMap<string, string>): Buffer {
  let text = bytes.toString('latin1');
  for (const [before, now] of today) text = text.replaceAll(before, now);
  return Buffer.from(text, 'latin1');
}
