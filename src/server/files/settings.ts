/** What an operator allows of files that travel with jobs. */
import type { FileLimits } from '../../core/staging/manifest.ts';

export interface FileSettings extends FileLimits {
  /** Bytes of all contents of one owner. */
  readonly quota: number;
  /** Bytes of what no job names, of all owners together; what agents bring back is not refused for it. */
  readonly unused: number;
}

const MIB = 2 ** 20;

export const defaultFileSettings: FileSettings = {
  files: 10_000,
  bytes: 1024 * MIB,
  fileBytes: 256 * MIB,
  quota: 4096 * MIB,
  unused: 16_384 * MIB,
};
