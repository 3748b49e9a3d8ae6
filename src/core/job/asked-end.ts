/**
 * How a job ends whose end was asked for: one that was stopped because its time is over has failed with `deadline`,
 * however it comes to its end; one that somebody canceled is canceled. Pure.
 */
import { isAllowed, type JobState, type Reason } from './state.ts';

export interface AskedEnd {
  /** `canceled` also at a deadline where the table has no way to `failed`: nothing of it was in a native queue. */
  readonly to: 'canceled' | 'failed';
  readonly reason: Reason;
}

/** `message`: for people, where a user asked and said nothing. */
export function askedEnd(
  job: {
    readonly state: JobState;
    readonly cancelCode: 'user' | 'deadline' | null;
    readonly cancelMessage?: string | null;
  },
  message: string,
): AskedEnd {
  if (job.cancelCode !== 'deadline')
    return { to: 'canceled', reason: { code: 'user', message: job.cancelMessage || message } };
  const reason = { code: 'deadline', message: 'it was stopped: the time that it was given is over' } as const;
  return { to: isAllowed(job.state, 'failed') ? 'failed' : 'canceled', reason };
}

/** For the agent that holds it: why it is to stop. */
export function whyStop({ cancelMessage }: { readonly cancelMessage: string | null }): Reason {
  return { code: 'user', message: cancelMessage ?? '' };
}
