/**
 * The server's disk: the SQLite engine itself, in this thread, over a disk that loses what was not synced. Commits
 * stand in one outer transaction until the sync; a crash rolls it back. As in the engine's own thread, calls that wait
 * together share a commit, and answers come after its sync.
 */
import { RainbowError } from '../../src/core/errors.ts';
import type { Engine } from '../../src/store/engine.ts';
import type { Arguments, OperationName, Result } from '../../src/store/operations/operations.ts';
import { isWrite } from '../../src/store/operations/operations.ts';
import { Database } from '../../src/store/sqlite/database.ts';
import { errorOf } from '../../src/store/sqlite/failure.ts';
import { newestEvent, runCalls, type Answer, type Call } from '../../src/store/sqlite/group-commit.ts';
import { migrate } from '../../src/store/sqlite/migrate.ts';
import type { Process } from './process.ts';
import type { Timeline } from './timeline.ts';

/** Commits are savepoints of a transaction that is committed with the sync. */
class UnsyncedDatabase extends Database {
  #holds = false;
  #inside = false;

  hold(): void {
    super.command('BEGIN');
    this.#holds = true;
  }

  override command(sql: string): void {
    if (!this.#holds) return super.command(sql);
    if (sql === 'BEGIN IMMEDIATE') {
      super.command('SAVEPOINT whole');
      this.#inside = true;
    } else if (sql === 'COMMIT') {
      super.command('RELEASE whole');
      this.#inside = false;
    } else if (sql === 'ROLLBACK') {
      super.command('ROLLBACK TO whole');
      super.command('RELEASE whole');
      this.#inside = false;
    } else {
      super.command(sql);
    }
  }

  override get inTransaction(): boolean {
    return this.#holds ? this.#inside : super.inTransaction;
  }

  sync(): void {
    super.command('COMMIT');
    super.command('BEGIN');
  }

  lose(): void {
    if (this.#inside) this.command('ROLLBACK');
    super.command('ROLLBACK');
    super.command('BEGIN');
  }
}

interface Waiting {
  readonly call: Call;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Milliseconds, about. */
const WRITE = 0.2;
const SYNC = 1;
const ANSWER = 0.1;

export class StoreDisk {
  readonly database: UnsyncedDatabase;
  /** So many of the next commits fail, as on a full disk. */
  fullFor = 0;
  readonly #timeline: Timeline;
  readonly #synced: () => void;

  /** `synced` is called after each sync of writes: from here on they count. */
  constructor(timeline: Timeline, synced: () => void) {
    this.#timeline = timeline;
    this.#synced = synced;
    this.database = new UnsyncedDatabase(':memory:');
    migrate(this.database, ':memory:', 0);
    this.database.hold();
  }

  /** The computer of the server fails: what was not synced is gone. */
  crash(): void {
    this.database.lose();
  }

  close(): void {
    this.database.close();
  }

  /** `early`: answers are given before the sync, which no engine may do: to see that this is noticed. */
  open(process: Process, early = false): Engine {
    const timeline = this.#timeline;
    let waiting: Waiting[] = [];
    let busy = false;
    let known = newestEvent(this.database, 0);
    let onEvents: (seq: number) => void = () => undefined;

    const begin = (): void => {
      if (busy || waiting.length === 0) return;
      busy = true;
      timeline.plan(timeline.delay(WRITE), process, write);
    };
    const write = (): void => {
      const batch = waiting;
      waiting = [];
      const answers = new Map<number, Answer>();
      const wrote = batch.some(({ call }) => isWrite(call.name));
      if (wrote && this.fullFor > 0) {
        this.fullFor -= 1;
        timeline.note(`store: ${batch.length} calls, the disk is full`);
        const full = new RainbowError('unavailable', 'the disk is full');
        return void timeline.plan(timeline.delay(SYNC), process, () => {
          busy = false;
          for (const each of batch) each.reject(full);
          begin();
        });
      }
      const calls = batch.map(({ call }, id) => ({ ...call, id }));
      runCalls(this.database, calls, (some) => {
        for (const answer of some) answers.set(answer.id, answer);
      });
      timeline.note(`store: ran ${calls.map(({ name }) => name).join(' ')}`);
      if (early) tell(batch, answers, false);
      timeline.plan(wrote ? timeline.delay(SYNC) : 0, process, () => {
        if (wrote) {
          this.database.sync();
          timeline.note('store: synced');
          this.#synced();
        }
        busy = false;
        if (!early) tell(batch, answers, wrote);
        else if (wrote) news();
        begin();
      });
    };
    const news = (): void => {
      const newest = newestEvent(this.database, known);
      if (newest > known) onEvents((known = newest));
    };
    const tell = (batch: readonly Waiting[], answers: ReadonlyMap<number, Answer>, wrote: boolean): void => {
      const newest = wrote ? newestEvent(this.database, known) : known;
      const grown = newest > known;
      known = newest;
      timeline.plan(timeline.delay(ANSWER), process, () => {
        timeline.note('store: answered');
        batch.forEach(({ resolve, reject }, id) => {
          const answer = answers.get(id)!;
          if ('failure' in answer) reject(errorOf(answer.failure));
          else resolve(answer.value as never);
        });
        if (grown) onEvents(newest);
      });
    };

    return {
      call<N extends OperationName>(name: N, args: Arguments<N>): Promise<Result<N>> {
        return new Promise((resolve, reject) => {
          if (!process.alive) return;
          waiting.push({ call: { id: 0, name, args: structuredClone(args) }, resolve, reject });
          begin();
        });
      },
      close: () => Promise.resolve(),
      onEvents(listener) {
        onEvents = listener;
      },
    };
  }
}
