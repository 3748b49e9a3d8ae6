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
import { startAll, stopAll, type Demo } from './demo/processes.ts';
import { say, sayPlain } from './demo/say.ts';

const keep = process.argv.includes('--keep');
const LONGEST_MS = 55_000;

const folder = mkdtempSync(join(tmpdir(), 'rainbow-demo-'));
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => stop.abort(new Error('stopped')));
}
const timer = setTimeout(() => stop.abort(new Error(`the demo took longer than ${LONGEST_MS / 1000} s`)), LONGEST_MS);

let code = 1;
let demo: Demo | null = null;
try {
  demo = await startAll(folder, stop.signal, (started) => {
    demo = started;
  });
  const submitted = await submitAll(demo, stop.signal);
  const ended = await followToTheEnd(demo, submitted, stop.signal);
  const wrong = tellTable(ended);
  for (const line of wrong) sayPlain(`NOT AS EXPECTED: ${line}`);
  code = wrong.length === 0 ? 0 : 1;
} catch (error) {
  sayPlain(`the demo failed: ${error instanceof Error ? error.message : String(error)}`);
  if (demo !== null) sayPlain(demo.logs());
}
clearTimeout(timer);

if (keep && demo !== null && code === 0) {
  tellHowToReach(demo);
  demo.leave();
} else {
  if (demo !== null) await stopAll(demo);
  rmSync(folder, { recursive: true, force: true });
  if (code === 0) sayPlain(`\nAll ${jobs.length} jobs ended as they should; everything is stopped.`);
}
// Explicit: a stream that is still open must not keep a finished demo alive.
process.exit(code);

function tellHowToReach({ address, env, processes }: Demo): void {
  const settings = ['RAINBOW_HOST', 'RAINBOW_CONFIG', 'RAINBOW_KEY', 'RAINBOW_SERVER_SECRET']
    .map((name) => `  export ${name}='${env[name] ?? ''}'`)
    .join('\n');
  sayPlain(`
It is left running. To use it:
${settings}
  bin/rainbow jobs
  bin/rainbow clusters
  bin/rainbow submit --wait -- hostname

The server is at ${address}. Everything it keeps is in ${folder}. To stop it:
  kill ${processes.map(({ pid }) => pid).join(' ')} && rm -r ${folder}`);
  say('done');
}
