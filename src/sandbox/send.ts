/**
 * Sends the contents of files that the server has not, in one stream; each content once, however many files have it.
 * A file that changes while it is sent is an error of this end or of the other, never a wrong content.
 */
import type { FileHandle } from 'node:fs/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Client } from '@connectrpc/connect';
import { RainbowError } from '../core/errors.ts';
import type { FileEntry } from '../core/staging/manifest.ts';
import type { FileService, HolderSchema, UploadFilesRequestSchema } from '../gen/rainbow/v1/files_pb.js';
import { READ_BYTES } from './measure.ts';

export type FileClient = Client<typeof FileService>;
export type Holder = MessageInitShape<typeof HolderSchema>;

/** Operators may send neither. */
export interface Sender {
  readonly holder?: Holder;
  readonly credentials?: { name: string; token: string }[];
}

export interface LocalFile {
  readonly entry: FileEntry;
  open(): Promise<FileHandle>;
}

export interface Sent {
  readonly files: number;
  readonly bytes: number;
}

/**
 * `who`: an agent, for a job that it holds; else what the job will be submitted with. `told` is called with the bytes of each piece. Throws RainbowError, of
 * the server too: `resource_exhausted` with the limit, `aborted` where a file changed meanwhile.
 */
export async function sendFiles(
  client: FileClient,
  who: Sender,
  files: readonly LocalFile[],
  options: {
    readonly stageOut?: readonly string[];
    readonly signal?: AbortSignal;
    /** Of all that is to be sent, once that is known; then what was sent. */
    readonly told?: (bytes: number, all: number) => void;
  } = {},
): Promise<Sent> {
  const call = options.signal === undefined ? {} : { signal: options.signal };
  const entries = files.map(({ entry }) => ({ ...entry, size: String(entry.size) }));
  const stageOut = [...(options.stageOut ?? [])];
  const { sha256 } = await client.missing({ ...who, files: entries, stageOut }, call);
  const missing = new Set(sha256);
  const toSend = files.filter(({ entry }) => missing.delete(entry.sha256));
  if (toSend.length === 0) return { files: 0, bytes: 0 };
  const all = toSend.reduce((sum, { entry }) => sum + entry.size, 0);
  options.told?.(0, all);
  const stream = messages(who, toSend, (bytes) => options.told?.(bytes, all));
  // As long as it takes: that the other end is there is the channel's to notice.
  const answer = await client.upload(stream, { ...call, timeoutMs: 0 });
  return { files: answer.files, bytes: Number(answer.bytes) };
}

async function* messages(
  who: Sender,
  files: readonly LocalFile[],
  told: (bytes: number) => void,
): AsyncGenerator<MessageInitShape<typeof UploadFilesRequestSchema>> {
  let first = true;
  for (const file of files) {
    const { entry } = file;
    const handle = await file.open();
    try {
      yield { ...(first ? who : {}), file: { ...entry, size: String(entry.size) } };
      first = false;
      let sent = 0;
      while (sent < entry.size) {
        const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, entry.size - sent));
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, sent);
        if (bytesRead === 0) {
          throw new RainbowError('aborted', `${entry.path} became shorter while it was sent; send it again`);
        }
        sent += bytesRead;
        yield { data: buffer.subarray(0, bytesRead) };
        told(bytesRead);
      }
    } finally {
      await handle.close();
    }
  }
}
