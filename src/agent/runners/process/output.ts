/** Reads what tasks wrote, from given offsets on. Files are the user's own: see files.ts for what is trusted. */
import { lstat } from 'node:fs/promises';
import type { OutputPiece, OutputPosition, OutputRead } from '../runner.ts';
import { isAbsent, openUntrusted, outputFile, type JobFiles } from './files.ts';

const STREAMS = ['stdout', 'stderr'] as const;
const LEAST_PER_FILE = 4 * 1024;

/** `ended`: nothing is written any more, so what is there is all. */
export function readOutput(
  files: JobFiles,
  tasks: number,
  uid: number,
  from: readonly OutputPosition[],
  limit: number,
  ended: boolean,
  now: number,
): Promise<OutputRead> {
  const written: WrittenFile[] = [];
  for (let task = 0; task < tasks; task++) {
    for (const stream of STREAMS) written.push({ task, stream, path: outputFile(files, task, stream) });
  }
  return readWritten(written, uid, from, limit, ended, now);
}

/** One stream of one task. */
export interface WrittenFile {
  readonly task: number;
  readonly stream: 'stdout' | 'stderr';
  readonly path: string;
}

export async function readWritten(
  files: readonly WrittenFile[],
  uid: number,
  from: readonly OutputPosition[],
  limit: number,
  ended: boolean,
  now: number,
): Promise<OutputRead> {
  const offsets = new Map(from.map(({ task, stream, offset }) => [`${stream} ${task}`, offset]));
  const perFile = Math.max(LEAST_PER_FILE, Math.floor(limit / (files.length || 1)));
  const pieces: OutputPiece[] = [];
  const lengths: OutputPosition[] = [];
  let room = limit;
  let complete = ended;
  for (const { task, stream, path } of files) {
    const offset = offsets.get(`${stream} ${task}`) ?? 0;
    const size = await sizeOf(path);
    if (size > 0) lengths.push({ task, stream, offset: size });
    if (size <= offset) continue;
    if (room <= 0) {
      complete = false;
      continue;
    }
    const data = await readAt(path, uid, offset, Math.min(perFile, room, size - offset));
    if (data.byteLength === 0) continue;
    pieces.push({ task, stream, offset, data, at: now });
    room -= data.byteLength;
    if (offset + data.byteLength < size) complete = false;
  }
  return { pieces, complete, lengths };
}

async function sizeOf(path: string): Promise<number> {
  try {
    const found = await lstat(path);
    return found.isFile() ? found.size : 0;
  } catch (error) {
    if (isAbsent(error)) return 0;
    throw error;
  }
}

async function readAt(path: string, uid: number, offset: number, length: number): Promise<Uint8Array> {
  const handle = await openUntrusted(path, uid);
  if (handle === null) return new Uint8Array();
  try {
    const bytes = new Uint8Array(length);
    const { bytesRead } = await handle.read(bytes, 0, length, offset);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
