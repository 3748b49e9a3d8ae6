/**
 * The composition root: the real system, streams, signals and environment, and the command line on top. Nothing else.
 */
import { enableCompileCache } from 'node:module';
import { isatty } from 'node:tty';
import { cacheFolder } from './cli/folders.ts';
import type { Io, Sink } from './cli/io.ts';
import { realSystem } from './system/real.ts';

// Compiled code is kept between runs, which saves about half of the start; in the user's own folder, because whoever can
// write there can put in code of their own.
enableCompileCache(cacheFolder(process.env));

function sink(stream: NodeJS.WriteStream & { fd: number }, failed: (error: NodeJS.ErrnoException) => void): Sink {
  stream.on('error', failed);
  // A pipe's own `isTTY` is undefined, not false.
  const isTTY = isatty(stream.fd);
  return {
    write: (text) => {
      stream.write(text);
    },
    isTTY,
    columns: isTTY ? stream.columns : 80,
  };
}

async function readStdin(most = Infinity): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of process.stdin) {
    pieces.push(piece as Uint8Array);
    length += (piece as Uint8Array).length;
    if (length > most) break;
  }
  return Buffer.concat(pieces);
}

let stop: AbortController | null = null;

/** Signals are taken over only by commands that listen: until then they end the process, whatever it computes. */
function stopSignal(): AbortSignal {
  if (stop !== null) return stop.signal;
  const controller = new AbortController();
  stop = controller;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // The second time it is meant.
      if (controller.signal.aborted) process.exit(130);
      controller.abort();
    });
  }
  return controller.signal;
}

const io: Io = {
  stdout: sink(process.stdout, (error) => {
    // Whoever reads the results has had enough (`| head`): that is no error, and nothing more is to be said.
    if (error.code === 'EPIPE') process.exit(0);
    process.stderr.write(`rainbow: the results cannot be written to standard output: ${error.message}\n`);
    process.exit(1);
  }),
  // Nobody reads the messages any more, or they go nowhere: the work goes on without them.
  stderr: sink(process.stderr, () => {}),
  readStdin,
  env: process.env,
  system: realSystem,
  get signal() {
    return stopSignal();
  },
};

const { runCommandLine } = await import('./cli/program.ts');
process.exitCode = await runCommandLine(process.argv.slice(2), io);
