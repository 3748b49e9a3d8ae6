/** Where the agent says what it does. Never given a secret. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
}

export const silentLog: Log = { info: () => undefined, warn: () => undefined };

export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
