/**
 * A policy that we did not write, held to the contract: what it throws, or answers that is no selection, becomes a
 * selection of nobody whose note says why, so that the job waits and `explain` shows it. It is given copies, so that
 * it cannot change what the record of the decision holds. It cannot be kept from taking long: it is the operator's own.
 */
import { RainbowError } from '../errors.ts';
import type { Policy, Select, Selection, SelectInput } from './policy.ts';

const MOST_NOTES = 20;
const LONGEST_NOTE = 500;

export function guarded(name: string, policy: Policy): Policy {
  return {
    compile(options) {
      const select = compile(name, policy, options);
      const run = (input: SelectInput): Selection => {
        try {
          return checked(name, select(structuredClone(input)));
        } catch (error) {
          return nobody(name, `failed: ${wordsOf(error)}`);
        }
      };
      return Object.assign(run, { weighsOffers: select.weighsOffers === true });
    },
  };
}

function compile(name: string, policy: Policy, options: Readonly<Record<string, string>>): Select {
  let select: unknown;
  try {
    select = policy.compile({ ...options });
  } catch (error) {
    if (error instanceof RainbowError) throw error;
    throw new RainbowError('invalid_input', `policy ${name}: ${wordsOf(error)}`, { cause: error });
  }
  if (typeof select === 'function') return select as Select;
  if (isPromise(select)) {
    throw new RainbowError('invalid_input', `policy ${name}: \`compile\` must not be \`async\``);
  }
  throw new RainbowError('invalid_input', `policy ${name}: \`compile\` must give a function of (input)`);
}

function checked(name: string, answer: unknown): Selection {
  if (isPromise(answer)) return nobody(name, `must answer at once, not with a promise: leave out \`async\``);
  const { order, notes = [] } = (answer ?? {}) as { order?: unknown; notes?: unknown };
  if (!Array.isArray(order) || !order.every((each) => typeof each === 'string')) {
    return nobody(name, 'must answer {order, notes}, with `order` a list of names of clusters');
  }
  const said = Array.isArray(notes) ? notes.filter((note) => typeof note === 'string') : [];
  return { order, notes: said.slice(0, MOST_NOTES).map((note) => note.slice(0, LONGEST_NOTE)) };
}

/** Nobody waits for one; what it fails with must not end the server. */
function isPromise(value: unknown): boolean {
  if (!(value instanceof Promise)) return false;
  value.catch(() => undefined);
  return true;
}

function nobody(name: string, why: string): Selection {
  return { order: [], notes: [`policy ${name} ${why}`] };
}

function wordsOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 200);
}
