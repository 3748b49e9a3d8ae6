/** The prototype's words for what is wrong: its clients show them, so they stay as they are. */
import { RainbowError } from '../../core/errors.ts';

/** Something is missing from the request. */
export function required(message: string): RainbowError {
  return new RainbowError('invalid_input', message);
}

/** A graph that was refused, in the prototype's words; any other error as it is. */
export function invalidNodes(error: unknown): unknown {
  if (!(error instanceof RainbowError) || error.code !== 'invalid_input') return error;
  return new RainbowError('invalid_input', `cluster nodes are invalid: ${error.message}`, { cause: error });
}

/** Throws unless the text is JSON at all. */
export function wellFormed(nodes: string): void {
  try {
    JSON.parse(nodes);
  } catch (error) {
    throw new RainbowError('invalid_input', `cluster nodes are invalid: ${(error as Error).message}`, { cause: error });
  }
}

export function noClusterPassed(why = ''): RainbowError {
  return new RainbowError('failed_precondition', `no clusters passed selection${why}`);
}
