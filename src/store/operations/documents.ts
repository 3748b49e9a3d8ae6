/** Documents of a cluster as they are stored: text in the row that they belong to, or pieces in a table of their own. */
import type { Document } from '../store.ts';
import { all, run, type Operation } from './statement.ts';

/** In `document_pieces`: the resource graph itself, beside subsystems by name. */
export const GRAPH = '';

/** What stands in the row itself. */
export function textOf(document: Document): string {
  return typeof document === 'string' ? document : '';
}

/** Replaces the pieces that are there. */
export function* writePieces(cluster: number, subsystem: string, document: Document): Operation<void> {
  yield* deletePieces(cluster, subsystem);
  if (typeof document === 'string') return;
  for (const [number, data] of document.entries()) {
    yield* run(
      'INSERT INTO document_pieces (cluster_id, subsystem, number, data) VALUES (?, ?, ?, ?)',
      cluster,
      subsystem,
      number,
      data,
    );
  }
}

export function* deletePieces(cluster: number, subsystem: string): Operation<void> {
  yield* run('DELETE FROM document_pieces WHERE cluster_id = ? AND subsystem = ?', cluster, subsystem);
}

/** `text`: what stands in the row. */
export function* readDocument(cluster: number, subsystem: string, text: string): Operation<Document> {
  if (text !== '') return text;
  const pieces = yield* all<{ data: Uint8Array }>(
    'SELECT data FROM document_pieces WHERE cluster_id = ? AND subsystem = ? ORDER BY number',
    cluster,
    subsystem,
  );
  return pieces.length === 0 ? text : pieces.map(({ data }) => data);
}
