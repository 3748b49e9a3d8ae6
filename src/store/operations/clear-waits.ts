/** Taking bits of core/job/waits.ts from rows of `jobs`, with the reason that remains, in one SET. */
import { WAITS } from '../../core/job/waits.ts';

const ALL = Object.values(WAITS).reduce((bits, bit) => bits | bit, 0);

/** A SET clause. Where a person holds the job, that stays its reason, unless it is what is taken. */
export function clearWaits(bits: number): string {
  const rest = `(waits & ${ALL & ~bits})`;
  const held = (bits & WAITS.held) === 0 ? '(waits & 1) <> 0' : '1 = 0';
  const told = (bits & WAITS.held) === 0 ? `(${rest} & 2) <> 0` : '1 = 0';
  return `waits = ${rest},
    reason_code = CASE WHEN ${rest} = 0 THEN 'submitted' WHEN ${held} THEN reason_code
      WHEN (${rest} & 2) <> 0 THEN 'dependency' WHEN (${rest} & 4) <> 0 THEN 'begin' ELSE 'array_limit' END,
    reason_message = CASE WHEN ${held} OR ${told} THEN reason_message ELSE '' END`;
}
