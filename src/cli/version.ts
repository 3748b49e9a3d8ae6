/** Rainbow's version, from package.json: read beside the sources in a checkout, put in by the build elsewhere. */
import { readFileSync } from 'node:fs';

declare const RAINBOW_VERSION: string | undefined;

export function version(): string {
  if (typeof RAINBOW_VERSION === 'string') return RAINBOW_VERSION;
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
