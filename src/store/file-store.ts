/**
 * What the store keeps of files that travel with jobs; a part of store.ts, whose words on times, ids and errors hold
 * here. Contents belong to one owner, and lists name only contents of their own owner.
 */
import type { FileEntry } from '../core/staging/manifest.ts';
import type { JobId } from './store.ts';

/** Bytes of one piece of a content, except the last. */
export const PIECE_BYTES = 256 * 1024;

export interface FileSetRecord {
  readonly id: string;
  readonly files: readonly FileEntry[];
}

/** Of a job: what was sent along (epoch 0), or what an attempt left behind. */
export interface JobFilesRecord {
  readonly epoch: number;
  readonly set: string;
  readonly files: number;
  readonly bytes: number;
  /** What could not be brought back, and why. */
  readonly notes: readonly string[];
}

export interface NewBlob {
  readonly owner: string;
  readonly sha256: string;
  /** Room that is taken at first; all of it is by the time that it is whole. */
  readonly bytes: number;
  /** What it will have in the end, where that is more: refused where there would be no room for it now. */
  readonly size?: number;
}

/** What bounds the contents that are kept. */
export interface FileRoom {
  /** Bytes of all contents of one owner. */
  readonly quota: number;
  /**
   * Bytes of what no job names, of all owners together, each content counted as at least 4 KiB; null: not bounded. Where it
   * is full, who has less than a fair part of it takes the place of the oldest, whole, of the token that has most.
   */
  readonly unused: number | null;
  /**
   * Of `unused`, bytes that one owner, and that what is sent with one token, may have; `sentWith` stands for the token. What
   * came without is never removed for others.
   */
  readonly share?: { readonly sentWith: string; readonly bytes: number };
}

export interface FileStore {
  /** Those that are not there; the others are not dropped for a while from now. */
  missing(owner: string, digests: readonly string[], at: number): Promise<readonly string[]>;
  /**
   * Contents of at most a piece each. What is there is passed over. `resource_exhausted` where there is no room
   * for all of them; then none of these is kept.
   */
  keepSmall(
    owner: string,
    contents: readonly { readonly sha256: string; readonly data: Uint8Array }[],
    room: FileRoom,
    at: number,
  ): Promise<void>;
  /** Makes room for a content that comes in pieces; null: it is there already. Errors as above. */
  begin(blob: NewBlob, room: FileRoom, at: number): Promise<string | null>;
  /** Takes more room. Errors as above, and as below. */
  extend(blob: string, bytes: number, room: FileRoom, at: number): Promise<void>;
  /** `aborted` where it was dropped because nothing came for long. */
  append(blob: string, number: number, data: Uint8Array, at: number): Promise<void>;
  /** It is whole, and its digest is right. Where another was faster this one is dropped. */
  finish(blob: string, at: number): Promise<void>;
  /** It will not become whole. */
  drop(blob: string): Promise<void>;
  /** The `number`-th piece; null: there is none. */
  piece(owner: string, sha256: string, number: number): Promise<Uint8Array | null>;
  /**
   * Keeps a list, whose contents must all be there; the same list again has the same id. Throws `invalid_input` where a
   * content has another size than the list says.
   */
  keepSet(
    owner: string,
    sha256: string,
    files: readonly FileEntry[],
    at: number,
  ): Promise<{ readonly set: string } | { readonly missing: readonly string[] }>;
  set(id: string): Promise<FileSetRecord | null>;
  /** In order of their epochs. */
  ofJob(id: JobId): Promise<readonly JobFilesRecord[]>;
  /**
   * What that attempt left behind, and tells of it in an event with that message. False where the job has ended: then
   * nothing changes.
   */
  collected(
    collected: {
      readonly id: JobId;
      readonly epoch: number;
      readonly set: string;
      readonly notes: readonly string[];
      readonly message: string;
    },
    at: number,
  ): Promise<boolean>;
  /** Bytes of all contents of that owner. */
  used(owner: string): Promise<number>;
  /** Bytes of what no job names, as `FileRoom` counts them. */
  unused(): Promise<number>;
  /** Drops up to `limit` lists and contents that nothing has named since then. How many. */
  prune(unusedSince: number, limit: number): Promise<number>;
}
