/** For tests that ask whether something takes too long: on a busy machine a clock says how busy it is. */

/** Milliseconds that this process has computed so far, all threads together. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
