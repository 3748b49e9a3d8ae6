/**
 * The other end of an agent's stream, played by a test, in memory: it hears what the agent says and says what the
 * test wants. It keeps to the rules of a server only as far as `serve` does.
 */
import type { RainbowError } from '../../core/errors.ts';
import type { FromServer, Hello, Report, ToServer, Uplink } from '../messages.ts';
import { isOver } from '../messages.ts';
import { keyText, type Order } from '../runners/runner.ts';

export interface ScriptedServer extends Uplink {
  /** Everything that was heard, of all streams, in order. */
  readonly heard: readonly ToServer[];
  readonly hellos: readonly Hello[];
  reports(key: string): readonly Report[];
  say(message: FromServer): void;
  /** Breaks the stream, with an error or without. */
  drop(error?: RainbowError): void;
  readonly streams: number;
  /** Ends every attempt to connect with this. */
  refuse: RainbowError | null;
  /** Acknowledges reports and output by itself. */
  acknowledge: boolean;
  /** Answers each heartbeat with its own. */
  beats: boolean;
  /** Jobs that it starts wherever an agent says Hello without holding them, until they are over. */
  readonly wanted: Order[];
  /** How often each attempt's end was acknowledged anew. */
  readonly ends: ReadonlyMap<string, Report>;
}

export function scriptedServer(): ScriptedServer {
  const heard: ToServer[] = [];
  const hellos: Hello[] = [];
  const ends = new Map<string, Report>();
  let stream: { put: (message: FromServer) => void; end: (error: RainbowError | null) => void } | null = null;

  const take = (report: Report): void => {
    if (isOver(report.state) && !ends.has(keyText(report))) ends.set(keyText(report), report);
    const { jobId, epoch, state } = report;
    if (server.acknowledge) server.say({ kind: 'reportAck', key: { jobId, epoch }, state });
  };

  const hear = (message: ToServer): void => {
    heard.push(message);
    switch (message.kind) {
      case 'hello': {
        hellos.push(message.hello);
        server.say({ kind: 'welcome', serverVersion: 'test', protocol: 1, heartbeat: 10 });
        const held = new Set(message.hello.holds.map(keyText));
        for (const report of message.hello.holds) take(report);
        for (const order of server.wanted) {
          if (!held.has(keyText(order)) && !ends.has(keyText(order))) server.say({ kind: 'start', order });
        }
        return;
      }
      case 'report':
        return take(message.report);
      case 'output':
        if (!server.acknowledge) return;
        return server.say({
          kind: 'outputAck',
          key: message.key,
          positions: message.pieces.map(({ task, stream, offset, data }) => ({
            task,
            stream,
            offset: offset + data.byteLength,
          })),
        });
      case 'heartbeat':
        // As often as the agent.
        return server.beats ? server.say({ kind: 'heartbeat' }) : undefined;
      default:
    }
  };

  const server = {
    beats: true,
    heard,
    hellos,
    ends,
    streams: 0,
    refuse: null as RainbowError | null,
    acknowledge: true,
    wanted: [] as Order[],
    reports: (key: string) =>
      heard.flatMap((message) =>
        message.kind === 'report' && keyText(message.report) === key ? [message.report] : [],
      ),
    say: (message: FromServer) => stream?.put(message),
    drop(error?: RainbowError) {
      stream?.end(error ?? null);
      stream = null;
    },
    async *open(say: AsyncIterable<ToServer>, signal: AbortSignal): AsyncGenerator<FromServer> {
      if (server.refuse !== null) throw server.refuse;
      server.streams++;
      const waiting: FromServer[] = [];
      let over: { error: RainbowError | null } | null = null;
      let wake = (): void => undefined;
      const mine = {
        put(message: FromServer) {
          waiting.push(message);
          wake();
        },
        end(error: RainbowError | null) {
          over ??= { error };
          wake();
        },
      };
      stream = mine;
      const aborted = (): void => mine.end(null);
      signal.addEventListener('abort', aborted, { once: true });
      const listening = (async () => {
        for await (const message of say) if (over === null) hear(message);
      })();
      try {
        for (;;) {
          const next = waiting.shift();
          if (over !== null) {
            if ((over as { error: RainbowError | null }).error !== null) throw (over as { error: RainbowError }).error;
            return;
          }
          if (next !== undefined) yield next;
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        signal.removeEventListener('abort', aborted);
        if (stream === mine) stream = null;
        listening.catch(() => undefined);
      }
    },
  };
  return server;
}
