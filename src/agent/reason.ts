/** Reasons that come from outside (the wire, files): only codes that the state table knows are taken. */
import { REASON_CODES, type Reason, type ReasonCode } from '../core/job/state.ts';

const codes: ReadonlySet<string> = new Set(REASON_CODES);

export function isReasonCode(code: string): code is ReasonCode {
  return codes.has(code);
}

/** An unknown code (a newer server's) is kept in the message. */
export function readReason(code: string, message: string, otherwise: ReasonCode): Reason {
  if (isReasonCode(code)) return { code, message };
  return { code: otherwise, message: code === '' ? message : `${code}: ${message}` };
}
