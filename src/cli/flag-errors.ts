/**
 * What a server finds wrong with what a flag said, in that flag's words: it names the field of the message (`array`,
 * `retry.on`), which nobody has written on the command line.
 */
import { RainbowError } from '../core/errors.ts';

/** Fields of a call, with the flag that each comes from, or several with spaces between. An index in the field (`dependencies[0]`) does not count. */
export type FlagOf = Readonly<Record<string, string>>;

export const SUBMIT_FLAGS: FlagOf = {
  array: '--array',
  begin_at: '--begin',
  bid_within: '--bid-within',
  clusters: '--cluster',
  compatibility: '--compatibility',
  deadline: '--deadline',
  dependencies: '--after',
  idempotency_key: '--idempotency-key',
  name: '--name',
  output_cap: '--output-cap',
  policy: '--policy',
  policy_options: '--policy-option',
  priority: '--priority',
  retry: '--retry',
  'retry.delay': '--retry-delay',
  'retry.limit': '--retry',
  'retry.on': '--retry-on',
  'retry.where': '--retry-where',
  return_after: '--return-after',
  stage_in: '--stage-in',
  stage_out: '--stage-out',
  start_before: '--start-before',
};

export const JOBS_FLAGS: FlagOf = {
  array: '--array',
  limit: '--limit',
  name: '--name',
  oldest_first: '--oldest-first',
  order: '--sort',
  owner: '--owner',
  since: '--since',
  until: '--until',
};

export const MAINTENANCE_FLAGS: FlagOf = {
  from: '--from',
  reason: '--reason',
  'window.from': '--from',
  'window.reason': '--reason',
  'window.until': '--until --for',
};

/**
 * `work`; where its input is wrong at a field that a flag gave, that flag is the place. `options`: as commander has them; a
 * field that none of them gave is a file's.
 */
export async function inFlagWords<T>(flags: FlagOf, options: object, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw flagError(flags, options, error);
  }
}

function flagError(flags: FlagOf, options: object, error: unknown): unknown {
  if (!(error instanceof RainbowError) || error.code !== 'invalid_input' || error.place !== undefined) return error;
  const [, field = '', message = ''] = UNKNOWN_POLICY.test(error.message)
    ? ['', 'policy', error.message]
    : (/^([a-z_]+(?:\.[a-z_]+)?)(?:[.[][^:\s]*)?: ([\s\S]*)$/.exec(error.message) ?? []);
  const known = [field, field.replace(/\..*$/, '')].find((each) => Object.hasOwn(flags, each));
  const flag =
    known === undefined ? undefined : flags[known]?.split(' ').find((each) => Object.hasOwn(options, optionOf(each)));
  if (flag === undefined) return error;
  return new RainbowError('invalid_input', message, { place: flag, cause: error });
}

/** The prototype's words for it, which name no field. */
const UNKNOWN_POLICY = /^did not find algorithm named /;

/** `--bid-within` → `bidWithin` */
function optionOf(flag: string): string {
  return flag.slice(2).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
