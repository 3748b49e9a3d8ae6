/** Why a request does not fit, in words. */
import { clean } from '../paint.ts';

/** The parts of a reason that are shown; the core's reasons and the wire's both have them. */
export interface ShownReason {
  readonly stage: string;
  readonly vertex: string;
  readonly message: string;
  readonly relaxation?: { readonly message: string } | null | undefined;
}

/** One line for each reason, and one for each change that would make it fit. */
export function reasonLines(reasons: readonly ShownReason[]): string[] {
  return reasons.flatMap((reason) => {
    const place = reason.vertex === '' ? '' : ` (${clean(reason.vertex)})`;
    const change = reason.relaxation?.message ?? '';
    return [
      `${clean(reason.message)}${place} [${clean(reason.stage)}]`,
      ...(change === '' ? [] : [`  ${clean(change)}`]),
    ];
  });
}
