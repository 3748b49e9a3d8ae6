/**
 * Sets the checkout up where needed, then runs the rest of its arguments under the right Node:
 * `node scripts/run.mjs scripts/test.ts src/core`, `node scripts/run.mjs bin/rainbow serve`.
 * Runs on Node 20 and newer. Signals go on to the program, its exit code comes back.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { rightNode, root, setUp } from './setup.mjs';

const [program, ...args] = process.argv.slice(2);
if (program === undefined) {
  process.stderr.write('usage: node scripts/run.mjs PROGRAM [ARGUMENT…]\n');
  process.exit(2);
}

try {
  await setUp();
} catch (error) {
  process.stderr.write(`rainbow: ${error.message}\n`);
  process.exit(1);
}

const node = rightNode();
const path = [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter);
const isScript = /\.(ts|mjs|js)$/.test(program);

// A terminal sends Ctrl-C to the whole foreground group, the child included; anything else goes on from here. Listened
// to before there is a child, so that none is missed.
let child = null;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child?.kill(signal);
  });
}

child = spawn(
  isScript ? node : program,
  isScript ? ['--disable-warning=ExperimentalWarning', program, ...args] : args,
  { stdio: 'inherit', env: { ...process.env, PATH: path } },
);
child.once('error', (error) => {
  process.stderr.write(`rainbow: ${program} could not be started: ${error.message}\n`);
  process.exitCode = 1;
});
child.once('exit', (code, signal) => {
  process.exitCode = signal === null ? code : 128 + constants.signals[signal];
});
