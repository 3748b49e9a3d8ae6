/** The demo's own lines, with the time since its start. */
const started = performance.now();

export function say(text: string): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(5);
  process.stdout.write(`${seconds} s  ${text}\n`);
}

export function sayPlain(text: string): void {
  process.stdout.write(`${text}\n`);
}
