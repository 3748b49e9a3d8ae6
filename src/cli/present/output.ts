/**
 * What tasks wrote, as it comes in pieces: each byte is shown once, however often a broken connection brings it again,
 * and where the server did not keep something, that is said.
 */
import type { OutputChunk } from '../../gen/rainbow/v1/jobs_pb.js';
import type { Invocation } from '../invocation.ts';
import { isoTime } from './time.ts';
import { streamWord } from './words.ts';

export interface OutputOptions {
  /** This task alone. */
  readonly task: number | undefined;
  /** Begin each line with the rank of its task. */
  readonly label: boolean;
  /** A task of an array, as people call it: `5[3]`. */
  readonly job?: string;
}

export class OutputPrinter {
  readonly #invocation: Invocation;
  readonly #options: OutputOptions;
  readonly #labels: LineLabels | null;
  /** By task and stream: how far it was shown, or told to be missing. */
  readonly #shown = new Map<string, number>();
  #highestTask = -1;

  constructor(invocation: Invocation, options: OutputOptions) {
    this.#invocation = invocation;
    this.#options = options;
    this.#labels = options.label ? new LineLabels() : null;
  }

  /** The highest rank of which something came; -1 before. */
  get highestTask(): number {
    return this.#highestTask;
  }

  /** Everything begins anew. */
  beginAttempt(): void {
    this.#shown.clear();
  }

  /** A chunk may say that so many bytes from its offset on were not kept. */
  show(chunk: OutputChunk): void {
    this.#highestTask = Math.max(this.#highestTask, chunk.task);
    if (this.#options.task !== undefined && chunk.task !== this.#options.task) return;
    const source = `${chunk.task}/${chunk.stream}`;
    const before = this.#shown.get(source) ?? 0;
    const offset = Number(chunk.offset) + Number(chunk.notKept);
    const end = offset + chunk.data.length;
    if (end <= before) return;
    this.#shown.set(source, end);
    if (offset > before) this.#tellGap(chunk, before, offset - before);
    if (chunk.data.length === 0) return;
    this.#write({
      ...chunk,
      offset: String(Math.max(offset, before)),
      data: chunk.data.subarray(Math.max(0, before - offset)),
    });
  }

  /** Of a job by itself nobody needs to be told which. */
  #ofArray(): { readonly job?: string } {
    const { job } = this.#options;
    return job === undefined || !job.includes('[') ? {} : { job };
  }

  #tellGap(chunk: OutputChunk, from: number, bytes: number): void {
    const { json, print, say } = this.#invocation;
    const missing = { ...chunk, offset: String(from), data: new Uint8Array() };
    if (json) return print(JSON.stringify({ ...chunkJson(missing), notKept: bytes, ...this.#ofArray() }));
    say(`task ${chunk.task} ${streamWord(chunk.stream) ?? '?'}: … ${bytesText(bytes)} not kept …`);
  }

  #write(chunk: OutputChunk): void {
    const { io, json, print } = this.#invocation;
    if (json) return print(JSON.stringify({ ...chunkJson(chunk), ...this.#ofArray() }));
    const sink = streamWord(chunk.stream) === 'stderr' ? io.stderr : io.stdout;
    sink.write(this.#labels === null ? chunk.data : this.#labels.label(chunk));
  }
}

/** `12.3 MiB`, `640 bytes`. */
export function bytesText(bytes: number): string {
  const power = Math.min(3, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  if (power === 0) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  return `${(bytes / 1024 ** power).toFixed(1)} ${['KiB', 'MiB', 'GiB'][power - 1] ?? ''}`;
}

/** Bytes as text where they are text, else as base64. */
function chunkJson(chunk: OutputChunk) {
  const bytes = Buffer.from(chunk.data);
  const text = bytes.toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(bytes);
  return {
    task: chunk.task,
    stream: streamWord(chunk.stream),
    offset: Number(chunk.offset),
    at: isoTime(chunk.at),
    encoding: isText ? 'utf8' : 'base64',
    data: isText ? text : bytes.toString('base64'),
  };
}

/** Puts `rank: ` before each line; a line may come in pieces. */
class LineLabels {
  readonly #inLine = new Set<string>();

  label(chunk: OutputChunk): Uint8Array {
    const source = `${chunk.task}/${chunk.stream}`;
    const label = Buffer.from(`${chunk.task}: `);
    const pieces: Uint8Array[] = [];
    for (let from = 0; from < chunk.data.length;) {
      if (!this.#inLine.has(source)) pieces.push(label);
      const at = chunk.data.indexOf(0x0a, from);
      const to = at === -1 ? chunk.data.length : at + 1;
      pieces.push(chunk.data.subarray(from, to));
      if (at === -1) this.#inLine.add(source);
      else this.#inLine.delete(source);
      from = to;
    }
    return Buffer.concat(pieces);
  }
}
