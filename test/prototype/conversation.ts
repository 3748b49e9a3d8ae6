/**
 * Whole conversations of the prototype's released clients with a server, as the bytes that went over the wire: made by
 * record.ts, replayed by recorded.test.ts. One conversation is one connection.
 */
import type { DescMessage } from '@bufbuild/protobuf';
import { MemoryGraph } from '../../src/gen/prototype/memory_pb.js';
import { RainbowScheduler } from '../../src/gen/prototype/rainbow_pb.js';

/** What one side sent before the other spoke again; base64. */
export type Turn = readonly ['client' | 'server', string];

export interface Conversation {
  /** What the user did. */
  readonly step: string;
  /** Calls on this connection, in order: `RainbowScheduler.Register`. */
  readonly calls: readonly string[];
  readonly turns: readonly Turn[];
}

export interface Recording {
  /** The client and its version. */
  readonly client: string;
  /** The secrets and tokens that were given out then, by name: later bytes hold them. */
  readonly values: Readonly<Record<string, string>>;
  readonly conversations: readonly Conversation[];
}

/** The type of a call's answer. */
export function answerOf(call: string): DescMessage {
  const [service, method] = call.split('.');
  const methods = service === 'MemoryGraph' ? MemoryGraph.methods : RainbowScheduler.methods;
  const found = methods.find(({ name }) => name === method);
  if (found === undefined) throw new Error(`no call ${call}`);
  return found.output;
}

export interface Stream {
  /** The gRPC messages in its DATA frames. */
  readonly messages: readonly Uint8Array[];
  readonly ended: boolean;
}

export interface Heard {
  /** By stream number, in order. */
  readonly streams: ReadonlyMap<number, Stream>;
  /** Error codes of GOAWAY and RST_STREAM frames, other than none. */
  readonly errors: readonly number[];
}

const FRAME_HEADER = 9;
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const GOAWAY = 7;
const END_STREAM = 1;

/** HTTP/2 frames (RFC 9113, section 4) that a server sent, as far as they are complete. */
export function hear(bytes: Buffer): Heard {
  const data = new Map<number, Buffer[]>();
  const ended = new Set<number>();
  const errors: number[] = [];
  for (let at = 0; at + FRAME_HEADER <= bytes.length;) {
    const length = bytes.readUIntBE(at, 3);
    const [type, flags] = [bytes[at + 3]!, bytes[at + 4]!];
    const stream = bytes.readUInt32BE(at + 5) & 0x7fff_ffff;
    const body = bytes.subarray(at + FRAME_HEADER, at + FRAME_HEADER + length);
    if (body.length < length) break;
    if (type === DATA || type === HEADERS) {
      data.set(stream, [...(data.get(stream) ?? []), ...(type === DATA ? [body] : [])]);
      if ((flags & END_STREAM) !== 0) ended.add(stream);
    }
    if (type === RST_STREAM && body.readUInt32BE(0) !== 0) errors.push(body.readUInt32BE(0));
    if (type === GOAWAY && body.readUInt32BE(4) !== 0) errors.push(body.readUInt32BE(4));
    at += FRAME_HEADER + length;
  }
  const streams = [...data].map(
    ([stream, parts]) => [stream, { messages: messagesIn(Buffer.concat(parts)), ended: ended.has(stream) }] as const,
  );
  return { streams: new Map(streams), errors };
}

/** Length-prefixed messages, uncompressed. */
function messagesIn(bytes: Buffer): readonly Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at + 5 <= bytes.length;) {
    const length = bytes.readUInt32BE(at + 1);
    messages.push(bytes.subarray(at + 5, at + 5 + length));
    at += 5 + length;
  }
  return messages;
}
