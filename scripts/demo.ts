/**
 * `npm run demo`: one job's whole life, for real. A server on its embedded store, two clusters of different shape with
 * an agent each that runs real processes on this machine, and jobs of every kind, followed to their end.
 * Everything goes through the public commands and the public client. Exits with 0 only if each job ended as it should.
 * `--keep` leaves server and agents running and says how to reach and stop them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { followToTheEnd, jobs, submitAll, tellTable } from './demo/jobs.ts';
import { Processes } from './demo/processes.ts';
import { sayPlain } from './demo/say.ts';
import { startAll, type Demo } from './demo/start.ts';

const keep = process.argv.includes('--keep');
const LONGEST_MS = 55_000;

const folder = mkdtempSync(join(tmpdir(), 'rainbow-demo-'));
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => stop.abort(new Error('it was stopped')));
}
const timer = setTimeout(() => stop.abort(new Error(`it took longer than ${LONGEST_MS / 1000} s`)), LONGEST_MS);

const processes = new Processes(folder);
let code = 1;
let demo: Demo | null = null;
try {
  demo = await startAll(folder, processes, stop.signal);
  const submitted = await submitAll(demo, stop.signal);
  const ended = await followToTheEnd(demo, submitted, stop.signal);
  const wrong = tellTable(ended);
  for (const line of wrong) sayPlain(`NOT AS EXPECTED: ${line}`);
  code = wrong.length === 0 ? 0 : 1;
} catch (error) {
  const reason: unknown = stop.signal.aborted ? stop.signal.reason : error;
  sayPlain(`the demo failed: ${reason instanceof Error ? reason.message : String(reason)}`);
}
clearTimeout(timer);
demo?.client.close();

if (keep && demo !== null && code === 0) {
  tellHowToReach(demo);
} else {
  await processes.stopAll();
  if (code !== 0) sayPlain(processes.logs());
  rmSync(folder, { recursive: true, force: true });
  if (code === 0) sayPlain(`\nAll ${jobs.length} jobs ended as they should; everything is stopped.`);
}
// Explicit: the output of processes that stay must not keep this one alive.
process.exit(code);

function tellHowToReach({ address, env }: Demo): void {
  const settings = Object.entries(env).map(([name, value]) => `  export ${name}='${value}'`);
  sayPlain(`
It is left running, at ${address}; everything it keeps is in ${folder}. To use it:
${settings.join('\n')}
  bin/rainbow jobs
  bin/rainbow clusters
  bin/rainbow submit --wait -- hostname

To stop it:
  kill ${processes.pids().join(' ')} && rm -r ${folder}`);
}
