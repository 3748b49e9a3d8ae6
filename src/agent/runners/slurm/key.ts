/**
 * A native job's name: the key by which it is found again. `rainbow-ID.EPOCH-REALM-NONCE-NAME`: the realm says whose
 * (this cluster as this server knows it), the nonce which submission. A Slurm id alone is no key: a controller that
 * is killed may lose its last seconds and give an id a second time.
 */
import { nameOf, type NativeName } from '../batch/key.ts';

const MOST_NAME = 64;

/** The part that is unique. */
export function nameStem({ jobId, epoch, realm, nonce }: NativeName): string {
  return `rainbow-${jobId}.${epoch}-${realm}-${nonce}`;
}

/** With what the user called it, as far as a job's name can hold that. */
export function nativeName(key: NativeName, name: string): string {
  const said = name.replaceAll(/[^\w.+@:=-]+/g, '_').slice(0, MOST_NAME);
  return said === '' ? nameStem(key) : `${nameStem(key)}-${said}`;
}

/** Null where it is no name of ours. */
export function readNativeName(name: string): NativeName | null {
  return nameOf(/^rainbow-([1-9]\d{0,18})\.([1-9]\d{0,14})-([0-9a-f]{8})-([0-9a-f]{12})(?:-|$)/.exec(name));
}

/** For people, in the job's comment. */
export function nativeComment(key: NativeName, cluster: string, comment: string | null): string {
  const said = `rainbow job=${key.jobId} epoch=${key.epoch} cluster=${cluster} key=${key.realm}-${key.nonce}`;
  return comment === null || comment === '' ? said : `${said} ${comment}`;
}
