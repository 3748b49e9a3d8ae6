/** Does a `flux job submit` still run that an agent before this one started? Found by the file that it was given. */
import { marksUnderWay } from '../batch/orphans.ts';

/** Of these nonces, those that are under way: the jobspec's file has the submission's nonce in its name. */
export function noncesUnderWay(nonces: readonly string[]): Promise<ReadonlySet<string>> {
  return marksUnderWay(nonces, (words, nonce) => words.includes(`/${jobspecFile(nonce)}`));
}

export function jobspecFile(nonce: string): string {
  return `jobspec.${nonce}.json`;
}
