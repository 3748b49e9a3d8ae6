/**
 * The job manager's journal, the one stream of the events of all jobs (RFC 21). No command prints it, so a few lines of
 * Python do, run by Flux's own (`flux python`). It only says when to look: what is taken in is what the next look
 * (poll.ts) finds, so an event that is lost or comes late costs time and nothing else. It is for the instance's owner
 * alone; for anybody else, and while it is away, the looks of poll.ts have to do.
 */
import type { ChildProcess } from 'node:child_process';
import type { System, Timer } from '../../../system/system.ts';
import type { Log } from '../../log.ts';
import type { Flux } from './commands.ts';

/** One line for each event: `ID NAME`. Ends with whoever reads it: its standard input is closed then. */
const PROGRAM = `
import os, sys, threading
import flux
from flux.job.journal import JournalConsumer

def watch():
    sys.stdin.read()
    os._exit(0)

threading.Thread(target=watch, daemon=True).start()
consumer = JournalConsumer(flux.Flux(), full=False)
consumer.start()
print("- ready", flush=True)
while True:
    event = consumer.poll()
    if event is None:
        break
    print(int(event.jobid), event.name, flush=True)
`;

/** What changes how a job stands, as we see it. */
const TELLING = new Set(['depend', 'priority', 'alloc', 'start', 'exception', 'finish', 'clean', 'annotations']);
const AGAIN_MS = 5_000;
const MOST_AGAIN_MS = 300_000;

/** Calls `news` soon after something happened to any job. Returns how to stop. */
export function followJournal(flux: Flux, news: () => void, log: Log, system: System): () => void {
  let child: ChildProcess | null = null;
  let timer: Timer | null = null;
  let closed = false;
  let pause = AGAIN_MS;
  let said = '';

  const start = (): void => {
    timer = null;
    if (closed) return;
    const mine = flux.start(['python', '-c', PROGRAM]);
    child = mine;
    let rest = '';
    let complaint = '';
    mine.stdin!.on('error', () => undefined);
    mine.stdout!.on('data', (data: Buffer) => {
      const lines = (rest + data.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      const names = lines.map((line) => line.split(' ')[1] ?? '');
      if (names.includes('ready')) pause = AGAIN_MS;
      if (names.some((name) => TELLING.has(name))) news();
    });
    mine.stderr!.on('data', (data: Buffer) => (complaint = (complaint + data.toString('utf8')).slice(-2000)));
    const ended = (): void => {
      if (child !== mine) return;
      child = null;
      if (closed) return;
      const why = complaint.trim().split('\n').at(-1) ?? '';
      if (why !== said) log.info(`Flux's journal cannot be followed now (${why}); its jobs are looked at now and then`);
      said = why;
      timer = system.timers.after(pause, start);
      pause = Math.min(pause * 2, MOST_AGAIN_MS);
    };
    mine.once('error', ended);
    mine.once('close', ended);
  };

  start();
  return () => {
    closed = true;
    timer?.cancel();
    child?.stdin?.end();
    child?.kill('SIGTERM');
  };
}
