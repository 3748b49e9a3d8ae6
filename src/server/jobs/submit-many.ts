/**
 * SubmitMany: a stream of submits, each as Submit does it, so many at once that they share commits. Answered in the
 * order in which they came; one that is refused is answered with its error and holds up nobody.
 * Flow control: a caller that does not read its answers is not read from either.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { RainbowError } from '../../core/errors.ts';
import type { JobService, SubmitRequest, SubmitResponseSchema } from '../../gen/rainbow/v1/jobs_pb.js';
import type { CallContext, Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { submit } from './submit.ts';

type Answer = MessageInitShape<typeof SubmitResponseSchema>;

/** Submits of one stream that are under way at once: a commit's worth. */
const WINDOW = 256;

export function submitMany(parts: Parts): Handlers<typeof JobService>['submitMany'] {
  const one = submit(parts);

  const answered = async (request: SubmitRequest, call: CallContext): Promise<Answer> => {
    try {
      return await one(request, call);
    } catch (error) {
      if (!(error instanceof RainbowError)) throw error;
      return { error: { code: error.code, message: error.message } };
    }
  };

  return async function* (requests, call) {
    parts.authenticator.person(call);
    const waiting = createWindow(WINDOW);
    void waiting.fillFrom(requests[Symbol.asyncIterator](), (request) => answered(request, call));
    try {
      for (let next = await waiting.take(); next !== null; next = await waiting.take()) yield next;
    } finally {
      // The caller has left, or the handler failed.
      waiting.close();
    }
  };
}

/** What is under way, in the order in which it began. One side fills it, the other takes from it. */
function createWindow(most: number) {
  const under: Promise<Answer>[] = [];
  let ended: { readonly error: unknown } | null = null;
  let over = false;
  let arrived: (() => void) | null = null;
  let hasRoom: (() => void) | null = null;
  let leave = (): void => undefined;
  const mayRead = (): boolean => !over;
  const end = (error: unknown): void => {
    ended = { error };
    arrived?.();
  };

  return {
    async fillFrom(
      requests: AsyncIterator<SubmitRequest>,
      act: (request: SubmitRequest) => Promise<Answer>,
    ): Promise<void> {
      leave = () => void requests.return?.();
      try {
        while (mayRead()) {
          const step = await requests.next();
          if (step.done === true) break;
          const answer = act(step.value);
          // It is looked at when its turn comes.
          answer.catch(() => undefined);
          under.push(answer);
          arrived?.();
          if (under.length >= most) await new Promise<void>((resolve) => (hasRoom = resolve));
        }
        end(null);
      } catch (error) {
        end(error);
      }
    },
    /** The next answer; null after the last. Throws what ended the requests, once all before is answered. */
    async take(): Promise<Answer | null> {
      while (under.length === 0) {
        if (ended === null) {
          await new Promise<void>((resolve) => (arrived = resolve));
          arrived = null;
        } else if (ended.error === null) return null;
        else throw ended.error;
      }
      const answer = await under[0]!;
      void under.shift();
      hasRoom?.();
      hasRoom = null;
      return answer;
    },
    close(): void {
      over = true;
      hasRoom?.();
      leave();
    },
  };
}
