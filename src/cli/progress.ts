/**
 * Shows that something moves, on standard error of a terminal, when it takes longer than half a second.
 * Silent elsewhere: pipes and logs get results only.
 */
import type { Invocation } from './invocation.ts';
import type { Io } from './io.ts';
import { clean } from './paint.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** Streams on which one stands now. */
const standing = new WeakSet<object>();

/** Takes away what stands in the line, for another to be written there; the next frame shows it again below. */
export function eraseProgress({ stderr }: Pick<Io, 'stderr'>): void {
  if (standing.delete(stderr)) stderr.write('\r\u001b[2K');
}

export interface Progress {
  /** What is being waited for, now. */
  set(label: string): void;
  end(): void;
}

export function startProgress({ io }: Invocation, label: string): Progress {
  if (!io.stderr.isTTY || io.env['TERM'] === 'dumb') return { set() {}, end() {} };
  const { clock, timers } = io.system;
  const started = clock.monotonic();
  let frame = 0;
  let now = label;
  const ticker = timers.every(120, () => {
    const passed = clock.monotonic() - started;
    if (passed < 500) return;
    standing.add(io.stderr);
    frame = (frame + 1) % FRAMES.length;
    const text = `${FRAMES[frame]} ${clean(now)} (${Math.floor(passed / 1000)} s)`;
    io.stderr.write(`\r\u001b[2K${text.slice(0, Math.max(10, io.stderr.columns - 1))}`);
  });
  return {
    set(label) {
      now = label;
    },
    end() {
      ticker.cancel();
      eraseProgress(io);
    },
  };
}

export async function withProgress<T>(invocation: Invocation, label: string, work: Promise<T>): Promise<T> {
  const progress = startProgress(invocation, label);
  try {
    return await work;
  } finally {
    progress.end();
  }
}
