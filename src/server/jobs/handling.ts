/** What a submit asks for beside the jobspec: retries, when to go elsewhere, how much output. Checked here. */
import { invalid } from '../../core/errors.ts';
import { isNoHandling, type Handling } from '../../core/job/handling.ts';
import { retryPolicy, type RetryPolicy } from '../../core/job/retry.ts';
import { readRetry } from '../../core/jobspec/retry.ts';
import type { RetryPolicy as WireRetry } from '../../gen/rainbow/v1/job_pb.js';
import type { SubmitRequest } from '../../gen/rainbow/v1/jobs_pb.js';
import { checkSequence } from '../input.ts';

/** A year. */
const LONGEST = 366 * 86_400;

/** `outputCapMax`: bytes that a job may ask to be kept. Throws `invalid_input`. */
export function readHandling(
  request: Pick<SubmitRequest, 'jobspec' | 'retry' | 'returnAfter' | 'outputCap'>,
  outputCapMax: number,
): Handling {
  const retry = request.retry === undefined ? readRetry(request.jobspec) : retryOf(request.retry);
  const { returnAfter } = request;
  if (!Number.isFinite(returnAfter) || returnAfter < 0 || returnAfter > LONGEST) {
    throw invalid('return_after', `${returnAfter} is no time: 1 to ${LONGEST} seconds`);
  }
  const outputCap = checkSequence(request.outputCap, 'output_cap');
  if (outputCap > outputCapMax) {
    throw invalid('output_cap', `${outputCap} bytes are more than this server keeps; at most ${outputCapMax}`);
  }
  return {
    ...(retry === null ? {} : { retry }),
    ...(returnAfter === 0 ? {} : { returnAfter }),
    ...(outputCap === 0 ? {} : { outputCap }),
  };
}

function retryOf({ limit, on, where, delay }: WireRetry): RetryPolicy | null {
  const policy = retryPolicy({ limit, on, where, delay: delay ?? null }, 'retry');
  return policy.limit === 0 ? null : policy;
}

/** As the wire has it: nothing where nothing was asked for. */
export function handlingToWire(handling: Handling): {
  retry?: { limit: number; on: string[]; where: string; delay: number };
  returnAfter?: number;
  outputCap?: string;
} {
  if (isNoHandling(handling)) return {};
  const { retry, returnAfter, outputCap } = handling;
  return {
    ...(retry === undefined ? {} : { retry: { ...retry, on: [...retry.on] } }),
    ...(returnAfter === undefined ? {} : { returnAfter }),
    ...(outputCap === undefined ? {} : { outputCap: String(outputCap) }),
  };
}
