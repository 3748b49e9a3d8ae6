/**
 * "An agent of the version before works with the server of the next": what released agents sent, byte for byte, is played
 * to the server of now, which has to lead every job to the end that it had. Secrets and ids that were given out then are
 * replaced by today's (they are as long); everything else is as it was.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { Rainbow } from '../server/rainbow.ts';
import { ACTS, ANSWERED, CLUSTER, jobsOf, messagesOf, NODES, untilDue, type Recording } from './conversation.ts';

const folder = fileURLToPath(new URL('recorded/', import.meta.url));
const released = readdirSync(fileURLToPath(new URL('../../proto/released/', import.meta.url)));
const files = readdirSync(folder);
const recordings = files.flatMap((file) => JSON.parse(readFileSync(`${folder}${file}`, 'utf8')) as Recording[]);

let rainbow: Rainbow | null = null;
afterEach(async () => {
  await rainbow?.end();
  rainbow = null;
});

test('every released contract has its agent recorded', () => {
  expect(files.map((file) => file.replace(/\.json$/, ''))).toEqual(
    released.map((file) => file.replace(/\.binpb$/, '')),
  );
});

describe.each(recordings)('the agent of $version, pick $pick', ({ values, events, jobs }) => {
  test('is led through its jobs as it was', { timeout: 120_000 }, async () => {
    rainbow = await Rainbow.start();
    const cluster = await rainbow.register(CLUSTER, generateGraph(NODES));
    const place = { rainbow, cluster };
    const today = new Map([[values['secret']!, cluster.secret]]);
    const sockets: { readonly socket: Socket; readonly heard: Buffer[]; readonly recorded: Buffer[] }[] = [];
    let wake = (): void => {};
    const open = (): (typeof sockets)[number] => {
      const line = { socket: connect(rainbow!.server.port, '127.0.0.1'), heard: [], recorded: [] } as {
        socket: Socket;
        heard: Buffer[];
        recorded: Buffer[];
      };
      line.socket.on('data', (bytes: Buffer) => {
        line.heard.push(bytes);
        wake();
      });
      line.socket.on('error', () => wake());
      return line;
    };
    const requests = (parts: readonly Buffer[]): string[] =>
      messagesOf(parts).flatMap((message) => (message.case === 'bidRequest' ? [message.value.id] : []));
    const answered = (parts: readonly Buffer[]): unknown[] =>
      messagesOf(parts).flatMap(({ case: kind }) => (ANSWERED.has(kind ?? '') ? [kind] : []));
    try {
      for (const event of events) {
        const [what, number] = event;
        if (what === 'act') {
          await untilDue(place, ACTS[number]!);
          await ACTS[number]!.act?.(place);
          continue;
        }
        const line = (sockets[number] ??= open());
        if (what === 'broken') line.socket.destroy();
        else if (what === 'agent') line.socket.write(withValues(Buffer.from(event[2], 'base64'), today));
        else {
          line.recorded.push(Buffer.from(event[2], 'base64'));
          const wanted = answered(line.recorded);
          const deadline = performance.now() + 50_000;
          while (answered(line.heard).length < wanted.length && performance.now() < deadline) {
            await new Promise<void>((resolve) => {
              const timer = setTimeout(resolve, 1000);
              wake = (): void => {
                clearTimeout(timer);
                resolve();
              };
            });
          }
          const heard = answered(line.heard);
          if (heard.length < wanted.length) throw new Error(`the server said ${heard.join()}, not ${wanted.join()}`);
          const now = requests(line.heard);
          requests(line.recorded).forEach((id, i) => today.set(id, now[i]!));
        }
      }
      expect(await jobsOf(place)).toEqual(jobs);
    } finally {
      for (const { socket } of sockets) socket.destroy();
    }
  });
});

function withValues(bytes: Buffer, today: ReadonlyMap<string, string>): Buffer {
  let text = bytes.toString('latin1');
  for (const [before, now] of today) {
    if (before.length !== now.length) throw new Error(`${before} is not as long as ${now}`);
    text = text.replaceAll(before, now);
  }
  return Buffer.from(text, 'latin1');
}
