/**
 * What of a job's output is sent, and from where on: pure bookkeeping of one job on one stream to the server.
 * The server keeps the first half of a cap and the last half. So the first half is sent as it comes; of what follows
 * only what the last half could still hold, and that while somebody follows the job, in rounds now and then (so that a
 * reader, or a lost cluster, finds a late tail), and when it has ended. What lies between is never sent.
 * Invariant: whatever is sent behind the first half begins no earlier than half a cap before the end: so the last half is
 * always whole at the server once the job has ended, and a job that writes gigabytes sends megabytes.
 */
import type { OutputPiece, OutputPosition } from './runners/runner.ts';

/** Never to be read now. */
const CLOSED = Number.MAX_SAFE_INTEGER;

interface Stream {
  readonly task: number;
  readonly stream: 'stdout' | 'stderr';
  /** Up to here it was sent, or skipped. */
  sent: number;
  acknowledged: number;
  /** On the way, oldest first. */
  readonly unacknowledged: { readonly end: number; readonly bytes: number }[];
  /** Its length, as far as it was seen. */
  length: number;
  /** Sent up to here in this round. */
  until: number;
}

export interface OutputWindow {
  /** Where to read from, of each stream that is known; others from their beginning. */
  positions(isOpen: boolean): readonly OutputPosition[];
  sent(pieces: readonly OutputPiece[], lengths: readonly OutputPosition[] | undefined): void;
  acknowledged(position: OutputPosition): void;
  /** Everything that is there now may be sent, once. */
  beginRound(): void;
  /** A new stream to the server: again from what it has. */
  restart(): void;
  onTheWay(): number;
}

/** `cap`: bytes that the server keeps of a stream. `most`: bytes that are sent of one whose length cannot be seen. */
export function createOutputWindow(cap: number, most: number): OutputWindow {
  const head = Math.ceil(cap / 2);
  const tail = cap - head;
  const streams = new Map<string, Stream>();

  const at = ({ task, stream }: Pick<OutputPosition, 'task' | 'stream'>): Stream => {
    const name = `${stream} ${task}`;
    let found = streams.get(name);
    if (found === undefined) {
      found = { task, stream, sent: 0, acknowledged: 0, unacknowledged: [], length: 0, until: 0 };
      streams.set(name, found);
    }
    return found;
  };

  const from = (one: Stream, isOpen: boolean): number => {
    if (one.sent < head) return one.sent;
    if (!isOpen && one.sent >= one.until) return CLOSED;
    const next = Math.max(one.sent, one.length - tail);
    return next >= most && one.length <= one.sent ? CLOSED : next;
  };

  return {
    positions: (isOpen) =>
      [...streams.values()].map((one) => ({ task: one.task, stream: one.stream, offset: from(one, isOpen) })),
    sent(pieces, lengths) {
      for (const piece of pieces) {
        const one = at(piece);
        const bytes = piece.data.byteLength;
        one.sent = piece.offset + bytes;
        one.length = Math.max(one.length, one.sent);
        one.unacknowledged.push({ end: one.sent, bytes });
      }
      for (const { offset, ...which } of lengths ?? []) at(which).length = offset;
    },
    acknowledged(position) {
      const one = at(position);
      one.acknowledged = Math.max(one.acknowledged, position.offset);
      while ((one.unacknowledged[0]?.end ?? Infinity) <= one.acknowledged) one.unacknowledged.shift();
    },
    beginRound() {
      for (const one of streams.values()) one.until = one.length > one.sent ? one.length : one.sent + tail;
    },
    restart() {
      for (const one of streams.values()) {
        one.sent = one.acknowledged;
        one.unacknowledged.length = 0;
      }
    },
    onTheWay() {
      let sum = 0;
      for (const { unacknowledged } of streams.values()) for (const { bytes } of unacknowledged) sum += bytes;
      return sum;
    },
  };
}
