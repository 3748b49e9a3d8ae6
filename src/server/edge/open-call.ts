/**
 * One call under way, whichever protocol it came by, and the set of them. A call is open until its handler has
 * finished, even if the caller is long gone: `stop` waits for handlers, not for callers, so that nothing closes the
 * store under one.
 */
import { RainbowError } from '../../core/errors.ts';
import { Interruption } from '../../wire/interruption.ts';
import type { CallContext } from '../call.ts';

export interface CallFacts {
  /** `rainbow.v1.JobService/Submit` */
  readonly method: string;
  /** True where the answer is a stream: such a call may last for ever, so a stop ends it at once. */
  readonly streamsAnswers: boolean;
  readonly peer: string;
  metadata(key: string): string | null;
}

export class OpenCall implements CallContext {
  readonly method: string;
  readonly streamsAnswers: boolean;
  readonly peer: string;
  readonly #facts: CallFacts;
  readonly #interruption = new Interruption<RainbowError>();
  #controller: AbortController | null = null;
  #over = false;

  constructor(facts: CallFacts) {
    this.#facts = facts;
    this.method = facts.method;
    this.streamsAnswers = facts.streamsAnswers;
    this.peer = facts.peer;
  }

  metadata(key: string): string | null {
    return this.#facts.metadata(key);
  }

  /** Made when it is first asked for: most handlers never do, and a controller costs as much as decoding a small message. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.reason !== null) this.#controller.abort(this.reason);
    }
    return this.#controller.signal;
  }

  onAbort(listener: (reason: RainbowError) => void): void {
    this.#interruption.whenInterrupted(listener);
  }

  /** Why nobody wants the answer any more; null while somebody does. */
  get reason(): RainbowError | null {
    return this.#interruption.reason;
  }

  /** Only the first reason counts; none does once the call is over. */
  abort(reason: RainbowError): void {
    if (this.#over || this.reason !== null) return;
    this.#interruption.interrupt(reason);
    this.#controller?.abort(reason);
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** The answer is out: from here the caller's leaving is not an abort. */
  finish(): void {
    this.#over = true;
  }

  /** `work`, or the reason of an abort if that comes first. */
  orAborted<T>(work: Promise<T>): Promise<T> {
    return this.#interruption.orInterrupted(work);
  }
}

export const callerLeft = () => new RainbowError('aborted', 'the caller went away');
export const deadlinePassed = () =>
  new RainbowError('deadline_exceeded', 'the deadline that the caller set has passed');
export const serverStops = () =>
  new RainbowError('unavailable', 'the server is stopping: connect again, or to another server');

export class OpenCalls {
  readonly #calls = new Set<OpenCall>();
  readonly #idle: (() => void)[] = [];
  #noStreams: RainbowError | null = null;

  get size(): number {
    return this.#calls.size;
  }

  open(facts: CallFacts): OpenCall {
    const call = new OpenCall(facts);
    this.#calls.add(call);
    if (this.#noStreams !== null && call.streamsAnswers) call.abort(this.#noStreams);
    return call;
  }

  /** The handler has finished. */
  close(call: OpenCall): void {
    call.finish();
    this.#calls.delete(call);
    if (this.#calls.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Streams under way, and those still to come. */
  endStreams(reason: RainbowError): void {
    this.#noStreams = reason;
    for (const call of this.#calls) if (call.streamsAnswers) call.abort(reason);
  }

  abortAll(reason: RainbowError): void {
    for (const call of this.#calls) call.abort(reason);
  }

  /** Resolves when no handler runs. */
  idle(): Promise<void> {
    if (this.#calls.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Methods whose handlers still run, for the log. */
  methods(): string[] {
    return [...new Set([...this.#calls].map((call) => call.method))];
  }
}
