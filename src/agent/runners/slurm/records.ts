/**
 * What Slurm says of its jobs, read: rows of squeue (one call for all jobs), lines of jobcomp/filetxt, and rows of
 * sacct. Pure. All are asked in UTC, so that no time zone is guessed.
 */

/** One job, or one task of an array (pending tasks of an array share a record). */
export interface SlurmRecord {
  readonly id: string;
  /** Index in its array; null: no array, or tasks that still wait together. */
  readonly arrayTask: number | null;
  readonly isArray: boolean;
  /** `PENDING`, `RUNNING`, `COMPLETING`, `COMPLETED`, `TIMEOUT` … */
  readonly state: string;
  /** As wait(2) has it: exit code in the upper byte, signal in the lower; null: not known. */
  readonly waitStatus: number | null;
  /** Why it waits, or why it ended; '' where there is nothing to say. */
  readonly reason: string;
  readonly name: string;
  readonly user: string;
  readonly partition: string;
  /** Milliseconds since 1970; null: not yet. */
  readonly submittedAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly restarts: number;
  /** It was given nodes; they are named after its end too. */
  readonly hadNodes: boolean;
}

const COLUMNS = [
  'JobID',
  'ArrayTaskID',
  'ArrayJobID',
  'State',
  'exit_code',
  'SubmitTime',
  'StartTime',
  'EndTime',
  'RestartCnt',
  'UserName',
  'Partition',
  'NodeList',
  'Name',
  'Reason',
] as const;

/** For `squeue -O`. */
export const SQUEUE_FORMAT = COLUMNS.map((column) => `${column}:|`).join(',');

/** Rows that do not read are left out: one strange job must not hide the others. */
export function readSqueue(text: string): readonly SlurmRecord[] {
  return text.split('\n').flatMap((line) => {
    const cells = line.split('|');
    if (cells.length < COLUMNS.length) return [];
    const [id, task, array, state, status, submit, start, end, restarts, user, partition, nodes, name] = cells.map(
      (cell) => cell.trim(),
    );
    if (!/^\d+$/.test(id ?? '')) return [];
    const reason = cells
      .slice(COLUMNS.length - 1, -1)
      .join('|')
      .trim();
    return [
      {
        id: id!,
        arrayTask: /^\d+$/.test(task ?? '') ? Number(task) : null,
        isArray: task !== '' && task !== 'N/A' && array !== '',
        state: state ?? '',
        waitStatus: /^\d+$/.test(status ?? '') ? Number(status) : null,
        reason: reason === 'None' || reason === 'N/A' || reason === '(null)' ? '' : reason,
        name: name ?? '',
        user: user ?? '',
        partition: partition ?? '',
        submittedAt: readTime(submit),
        startedAt: readTime(start),
        endedAt: readTime(end),
        restarts: Number(restarts) || 0,
        hadNodes: nodes !== '' && nodes !== undefined && nodes !== '(null)' && nodes !== 'N/A',
      },
    ];
  });
}

/** Slurm's `2026-11-22T14:09:34`, asked for in UTC. */
export function readTime(text: string | undefined): number | null {
  if (text === undefined || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(text)) return null;
  // oxlint-disable-next-line no-restricted-globals -- arithmetic on a given time, no clock
  const time = Date.parse(`${text}Z`);
  return Number.isNaN(time) ? null : time;
}

export interface CompletionLine {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly waitStatus: number | null;
  /** In the controller's time zone, so only whether there is one is read. */
  readonly started: boolean;
}

/** Lines of jobcomp/filetxt. A requeued job has one for each run: the last counts. */
export function readCompletions(text: string): readonly CompletionLine[] {
  return text.split('\n').flatMap((line) => {
    const field = (key: string): string => new RegExp(`(?:^| )${key}=(\\S*)`).exec(line)?.[1] ?? '';
    const id = field('JobId');
    if (!/^\d+$/.test(id)) return [];
    const code = /^(\d+):(\d+)$/.exec(field('ExitCode'));
    return [
      {
        id,
        name: field('Name'),
        state: field('JobState'),
        waitStatus: code === null ? null : Number(code[1]) * 256 + Number(code[2]),
        started: readTime(field('StartTime')) !== null,
      },
    ];
  });
}

/** For `sacct -nXP -o`. */
export const SACCT_FORMAT = 'JobIDRaw,JobName,State,ExitCode,Start';

export function readSacct(text: string): readonly CompletionLine[] {
  return text.split('\n').flatMap((line) => {
    const [id = '', name = '', state = '', exit = '', start] = line.split('|');
    if (!/^\d+$/.test(id)) return [];
    const code = /^(\d+):(\d+)$/.exec(exit);
    return [
      {
        id,
        name,
        // `CANCELLED by 1000`
        state: state.split(' ')[0] ?? '',
        waitStatus: code === null ? null : Number(code[1]) * 256 + Number(code[2]),
        started: readTime(start) !== null,
      },
    ];
  });
}
