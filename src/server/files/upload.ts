/**
 * Upload: contents, one after the other. Small ones are gathered and share a commit; a large one is written in pieces
 * while it comes, and is there only when it is whole and its digest right. Memory: a gathering and a piece.
 * What was kept before an error stays kept: the next try sends the rest. Room is taken as bytes come, a stride ahead, and
 * whoever stops sending is ended: nobody keeps others out by what he only says that he will send.
 */
import { createHash, type Hash } from 'node:crypto';
import { invalid } from '../../core/errors.ts';
import { whyTooLarge } from '../../core/staging/manifest.ts';
import type { FileEntry as WireEntry, FileService, UploadFilesRequest } from '../../gen/rainbow/v1/files_pb.js';
import type { FileRoom } from '../../store/file-store.ts';
import { PIECE_BYTES } from '../../store/store.ts';
import { comingInTime } from '../../scheduler/reading/in-time.ts';
import type { Handlers } from '../call.ts';
import { checkSequence } from '../input.ts';
import type { Parts } from '../parts.ts';
import { hashHex } from '../secrets.ts';
import { ownerOf } from './access.ts';

/** Of small contents in one write. */
const GATHER_BYTES = 1024 * 1024;
const GATHER_FILES = 256;
/** Room that a large content takes at a time. */
const STRIDE_BYTES = 16 * PIECE_BYTES;
/** A message that begins a file counts so much, so that many small files from a slow disk are not taken for a stop. */
const BEGIN_BYTES = 4096;
const DIGEST = /^[0-9a-f]{64}$/;

export function upload(parts: Parts): Handlers<typeof FileService>['upload'] {
  return async (requests, call) => {
    let keeping: Keeping | null = null;
    const coming = comingInTime(requests[Symbol.asyncIterator](), parts.system, {
      what: 'files',
      sizeOf: ({ file, data }) => (file === undefined ? 0 : BEGIN_BYTES) + data.byteLength,
    });
    try {
      for await (const request of { [Symbol.asyncIterator]: () => coming }) {
        const { file, data } = request;
        keeping ??= createKeeping(parts, await ownerOf(parts, call, request), roomFor(parts, request));
        if (file !== undefined) await keeping.begin(file);
        if (data.byteLength > 0) await keeping.take(data);
      }
      if (keeping === null) return { files: 0, bytes: '0' };
      return await keeping.end();
    } finally {
      await coming.return?.();
      await keeping?.close();
    }
  };
}

/** What an agent brings back is for a job, and bounded by its owner's quota alone. */
function roomFor({ settings }: Parts, { holder, credentials }: UploadFilesRequest): FileRoom {
  const { quota, unused, bytes } = settings.files;
  if (holder !== undefined) return { quota, unused: null };
  const [first] = credentials;
  if (first === undefined) return { quota, unused };
  // One job's files have room in any case.
  return { quota, unused, share: { sentWith: hashHex(first.token), bytes: Math.max(Math.trunc(unused / 4), bytes) } };
}

interface Keeping {
  begin(file: WireEntry): Promise<void>;
  take(data: Uint8Array): Promise<void>;
  end(): Promise<{ readonly files: number; readonly bytes: string }>;
  /** What is not whole goes. */
  close(): Promise<void>;
}

interface Coming {
  readonly sha256: string;
  readonly size: number;
  readonly hash: Hash;
  came: number;
  /** Not written yet; less than a piece. */
  held: Uint8Array[];
  heldBytes: number;
  pieces: number;
  /** Bytes that there is room for. */
  room: number;
  /** In the store; null: none is made yet. '': it is kept already, and what comes is dropped. */
  blob: string | null;
}

function createKeeping(parts: Parts, owner: string, room: FileRoom): Keeping {
  const { store, system, settings } = parts;
  const { files } = store;
  let coming: Coming | null = null;
  let small: { readonly sha256: string; readonly data: Uint8Array }[] = [];
  let smallBytes = 0;
  let count = 0;
  let bytes = 0;

  const flush = async (): Promise<void> => {
    if (small.length === 0) return;
    const gathered = small;
    small = [];
    smallBytes = 0;
    await files.keepSmall(owner, gathered, room, system.clock.now());
  };

  const joined = (file: Coming): Uint8Array => {
    const data = file.held.length === 1 ? file.held[0]! : Buffer.concat(file.held);
    file.held = [];
    file.heldBytes = 0;
    return data;
  };

  const writePieces = async (file: Coming, isLast: boolean): Promise<void> => {
    const now = system.clock.now();
    if (file.blob === null) {
      const { sha256, size } = file;
      file.room = Math.min(size, STRIDE_BYTES);
      file.blob = (await files.begin({ owner, sha256, bytes: file.room, size }, room, now)) ?? '';
    }
    const more = Math.min(file.size, Math.ceil(file.came / STRIDE_BYTES) * STRIDE_BYTES) - file.room;
    if (more > 0 && file.blob !== '') await files.extend(file.blob, more, room, now);
    file.room += Math.max(0, more);
    let data = joined(file);
    const least = isLast ? 1 : PIECE_BYTES;
    while (data.byteLength >= least) {
      if (file.blob !== '') await files.append(file.blob, file.pieces, data.subarray(0, PIECE_BYTES), now);
      file.pieces += 1;
      data = data.subarray(PIECE_BYTES);
    }
    file.held = [data];
    file.heldBytes = data.byteLength;
  };

  const finish = async (file: Coming): Promise<void> => {
    const digest = file.hash.digest('hex');
    if (digest !== file.sha256) {
      throw invalid(
        'data',
        `the bytes have the digest ${digest}, not ${file.sha256}: the file changed while it was sent, or the way spoiled it; send it again`,
      );
    }
    if (file.blob === null) {
      small.push({ sha256: file.sha256, data: joined(file) });
      smallBytes += file.size;
      if (smallBytes >= GATHER_BYTES || small.length >= GATHER_FILES) await flush();
    } else {
      await writePieces(file, true);
      if (file.blob !== '') await files.finish(file.blob, system.clock.now());
    }
    coming = null;
    count += 1;
    bytes += file.size;
  };

  const close = async (): Promise<void> => {
    const file = coming;
    coming = null;
    if (file !== null && file.blob !== null && file.blob !== '') await files.drop(file.blob).catch(() => undefined);
  };

  return {
    async begin(file) {
      if (coming !== null)
        throw invalid('file', `began before the last was whole: ${coming.came} of ${coming.size} bytes came`);
      const size = checkSequence(file.size, 'file.size');
      if (!DIGEST.test(file.sha256)) throw invalid('file.sha256', 'a digest is 64 hexadecimal digits, in lower case');
      const why = whyTooLarge(size, settings.files);
      if (why !== null) throw invalid('file.size', why);
      coming = {
        sha256: file.sha256,
        size,
        hash: createHash('sha256'),
        came: 0,
        held: [],
        heldBytes: 0,
        pieces: 0,
        room: 0,
        blob: null,
      };
      if (size === 0) await finish(coming);
    },
    async take(data) {
      const file = coming;
      if (file === null) throw invalid('data', 'came without a file that it belongs to');
      file.came += data.byteLength;
      if (file.came > file.size) throw invalid('data', `${file.came} bytes came for a file of ${file.size}`);
      file.hash.update(data);
      file.held.push(data);
      file.heldBytes += data.byteLength;
      if (file.size > PIECE_BYTES && file.heldBytes >= PIECE_BYTES) await writePieces(file, false);
      if (file.came === file.size) await finish(file);
    },
    async end() {
      if (coming !== null)
        throw invalid('data', `ended in the middle of a file: ${coming.came} of ${coming.size} bytes came`);
      await flush();
      return { files: count, bytes: String(bytes) };
    },
    close,
  };
}
