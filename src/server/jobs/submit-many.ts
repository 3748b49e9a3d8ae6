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
    const incoming = requests[Symbol.asyncIterator]();
    const waiting: Promise<Answer>[] = [];
    let coming: Promise<IteratorResult<SubmitRequest>> | null = null;
    let isOver = false;
    try {
      for (;;) {
        const first = waiting[0];
        if (first === undefined && isOver) return;
        if (!isOver && waiting.length < WINDOW) {
          coming ??= incoming.next();
          // Whichever is there first: the next request, or the answer that is due.
          const step = await (first === undefined ? coming : Promise.race([coming, first.then(() => null)]));
          if (step !== null) {
            coming = null;
            if (step.done === true) {
              isOver = true;
            } else {
              const answer = answered(step.value, call);
              // It is looked at when its turn comes.
              answer.catch(() => undefined);
              waiting.push(answer);
            }
            continue;
          }
        }
        yield await waiting.shift()!;
      }
    } finally {
      // The caller has left, or the handler failed.
      void incoming.return?.();
    }
  };
}
