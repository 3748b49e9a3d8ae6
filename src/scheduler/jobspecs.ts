/**
 * Jobspecs of stored jobs, read again when a decision needs them. A text that no longer reads is an answer, not an
 * exception, so that one such job never stops the others.
 * Bounded: the newest texts only, at most `MAX_CHARS` characters together.
 */
import { RainbowError } from '../core/errors.ts';
import { readResolved, withResolved } from '../core/image/resolved.ts';
import { readJobspec } from '../core/jobspec/read.ts';
import type { Jobspec } from '../core/jobspec/jobspec.ts';
import type { JobRecord } from '../store/store.ts';

const MAX_CHARS = 16 * 1024 * 1024;

export type ReadJobspec =
  | { readonly jobspec: Jobspec; readonly error: null }
  | { readonly jobspec: null; readonly error: string };

export interface Jobspecs {
  /** With what its image needs. */
  read(job: Pick<JobRecord, 'jobspec' | 'image'>): ReadJobspec;
}

export function createJobspecs(): Jobspecs {
  const known = new Map<string, ReadJobspec>();
  let chars = 0;
  return {
    read({ jobspec, image }) {
      const text = image === null ? jobspec : `${jobspec}\0${image}`;
      const found = known.get(text);
      if (found !== undefined) return found;
      const result = attempt(jobspec, image);
      known.set(text, result);
      chars += text.length;
      for (const oldest of known.keys()) {
        if (chars <= MAX_CHARS || oldest === text) break;
        known.delete(oldest);
        chars -= oldest.length;
      }
      return result;
    },
  };
}

function attempt(text: string, image: string | null): ReadJobspec {
  try {
    return { jobspec: withResolved(readJobspec(text), readResolved(image)), error: null };
  } catch (error) {
    return { jobspec: null, error: error instanceof RainbowError ? error.message : 'it cannot be read' };
  }
}
