/** For tests: one shell script on so many cores, as a jobspec. `duration`: seconds. */
export function jobspecOf(
  script: string,
  cores: number,
  command: readonly string[] = ['/bin/sh', '-c', script],
  duration = 120,
): string {
  return JSON.stringify({
    version: 1,
    resources: [{ type: 'slot', count: 1, label: 'task', with: [{ type: 'core', count: cores }] }],
    tasks: [{ command, slot: 'task', count: { per_slot: 1 } }],
    attributes: { system: { duration } },
  });
}
