/**
 * A native job's name: the key by which it is found again. `rainbow-ID.EPOCH-REALM-NONCE-NAME`: the realm says whose
 * (this cluster as this server knows it), the nonce which submission. A Slurm id alone is no key: a controller that
 * is killed may lose its last seconds and give an id a second time.
 */
import type { JobKey } from '../runner.ts';

export interface NativeName extends JobKey {
  /** 8 hexadecimal digits. */
  readonly realm: string;
  /** 12 hexadecimal digits, new with every submission. */
  readonly nonce: string;
}

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
  const found = /^rainbow-([1-9]\d{0,18})\.([1-9]\d{0,14})-([0-9a-f]{8})-([0-9a-f]{12})(?:-|$)/.exec(name);
  if (found === null) return null;
  return { jobId: found[1]!, epoch: Number(found[2]), realm: found[3]!, nonce: found[4]! };
}

/** For people, in the job's comment. */
export function nativeComment(key: NativeName, cluster: string, comment: string | null): string {
  const said = `rainbow job=${key.jobId} epoch=${key.epoch} cluster=${cluster} key=${key.realm}-${key.nonce}`;
  return comment === null || comment === '' ? said : `${said} ${comment}`;
}
