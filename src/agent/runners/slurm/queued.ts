/** Rows of squeue for an estimate: what every job has or asks for, whosever it is. Pure. */
import { expandHosts } from '../../../core/discover/expand-hosts.ts';
import { readSlurmTime } from '../../../core/translate/slurm/amounts.ts';
import { phaseOf } from './status.ts';
import { readTime } from './records.ts';

export interface QueuedRecord {
  /** Whole: it may be anybody's. */
  readonly name: string;
  readonly waits: boolean;
  /** What it waits for is no resource: it stands before nobody. */
  readonly isHeld: boolean;
  readonly partitions: readonly string[];
  /** Higher first. */
  readonly priority: number;
  readonly nodes: number;
  readonly cpus: number;
  readonly gpus: number;
  /** It shares its nodes with nobody. */
  readonly isWhole: boolean;
  /** Where it runs. */
  readonly hosts: readonly string[];
  /** Seconds. */
  readonly walltime: number;
  readonly elapsed: number;
  /** Of one that waits: backfill's plan, milliseconds since 1970; null: none (yet). */
  readonly plannedAt: number | null;
}

/** What a job without a limit counts as. */
const NO_LIMIT = 365 * 86_400;

const COLUMNS = [
  'State',
  'Partition',
  'PriorityLong',
  'NumNodes',
  'NumCPUs',
  'NumTasks',
  'tres-per-node',
  'tres-per-job',
  'tres-per-task',
  'OverSubscribe',
  'NodeList',
  'TimeLimit',
  'TimeUsed',
  'StartTime',
  'Reason',
  'Name',
] as const;

/** For `squeue -r -O`: one row for each task of an array. */
export const QUEUED_FORMAT = COLUMNS.map((column) => `${column}:|`).join(',');

/** Why a job waits that would not start on an empty cluster either. */
const HELD =
  /^(JobHeld|Dependency|BeginTime|Array|JobArray|Assoc|QOS|MaxCpu|MaxMem|Licenses|Reservation|Cleaning|Bad|Invalid|Partition(Down|Inactive)|ReqNodeNotAvail|JobHoldMaxRequeue)/;

/** Rows that do not read are left out. */
export function readQueued(text: string): readonly QueuedRecord[] {
  return text.split('\n').flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    if (cells.length <= COLUMNS.length) return [];
    const cell = (name: (typeof COLUMNS)[number]): string => cells[COLUMNS.indexOf(name)] ?? '';
    const phase = phaseOf(cell('State'));
    if (phase === 'ended' || !/^[A-Z_]+$/.test(cell('State'))) return [];
    const waits = phase === 'waiting';
    const nodes = Number(cell('NumNodes')) || 1;
    const priority = Number(cell('PriorityLong')) || 0;
    return [
      {
        name: cell('Name'),
        waits,
        isHeld: waits && (priority === 0 || HELD.test(cell('Reason'))),
        partitions: cell('Partition').split(','),
        priority,
        nodes,
        cpus: Number(cell('NumCPUs')) || 1,
        gpus:
          gpusIn(cell('tres-per-node')) * nodes +
          gpusIn(cell('tres-per-job')) +
          gpusIn(cell('tres-per-task')) * (Number(cell('NumTasks')) || 1),
        isWhole: cell('OverSubscribe') === 'NO',
        hosts: waits ? [] : expandHosts(cell('NodeList')),
        walltime: secondsIn(cell('TimeLimit'), NO_LIMIT),
        elapsed: secondsIn(cell('TimeUsed'), 0),
        plannedAt: waits ? readTime(cell('StartTime')) : null,
      },
    ];
  });
}

/** `gres:gpu:2`, `gres/gpu:a100=4`, `gpu:a100:4,shard:2`. */
function gpusIn(tres: string): number {
  return tres.split(',').reduce((sum, word) => {
    const found = /^(?:gres[:/])?gpu(?:[:/][A-Za-z][\w.-]*)?(?:[:=](\d+))?$/.exec(word);
    return found === null ? sum : sum + Number(found[1] ?? 1);
  }, 0);
}

function secondsIn(text: string, otherwise: number): number {
  const seconds = readSlurmTime(text);
  return typeof seconds === 'number' ? seconds : otherwise;
}
