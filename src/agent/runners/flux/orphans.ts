/**
 * Does a `flux job submit` still run that an agent before this one started? It goes on without its agent, and may reach
 * Flux at any moment. Found by the jobspec's file among its words, which has the submission's nonce in its name.
 */
import { readdir, readFile } from 'node:fs/promises';

/** Of these nonces, those that some process of this machine has among its arguments. Empty where there is no /proc. */
export async function noncesUnderWay(nonces: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const entries = await readdir('/proc').catch((): string[] => []);
  await Promise.all(
    entries.map(async (entry) => {
      if (!/^\d+$/.test(entry)) return;
      const words = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
      for (const nonce of nonces) if (words.includes(`/${jobspecFile(nonce)}`)) found.add(nonce);
    }),
  );
  return found;
}

export function jobspecFile(nonce: string): string {
  return `jobspec.${nonce}.json`;
}
