/**
 * A native job's name: the key by which it is found again in one list of all jobs. `NAME.rainbow-ID.EPOCH-REALM-NONCE`:
 * the realm says whose (this cluster as this server knows it), the nonce which submission. The same stands for
 * programs in the jobspec's `attributes.user.rainbow`. A Flux id alone is no key: another instance gives it again.
 */
import { nameOf, type NativeName } from '../batch/key.ts';

const MOST_NAME = 64;

/** What the user called it comes first: `flux jobs` cuts names off at their end. */
export function nativeName({ jobId, epoch, realm, nonce }: NativeName, name: string): string {
  const said = name.replaceAll(/[^\w+@:=-]+/g, '_').slice(0, MOST_NAME);
  return `${said === '' ? 'job' : said}.rainbow-${jobId}.${epoch}-${realm}-${nonce}`;
}

/** Null where it is no name of ours. */
export function readNativeName(name: string): NativeName | null {
  return nameOf(/^[\w+@:=-]+\.rainbow-([1-9]\d{0,18})\.([1-9]\d{0,14})-([0-9a-f]{8})-([0-9a-f]{12})$/.exec(name));
}
