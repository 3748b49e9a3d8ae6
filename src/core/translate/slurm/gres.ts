/**
 * Generic resources: `gpu:a100:2,shard:4`, and GPU lists, `a100:1,v100:2` or `4`. A GRES becomes a resource vertex of
 * that type; a model becomes a predicate on the vertex's own `model`.
 */
import type { DraftVertex } from '../draft.ts';
import { readNumber } from './amounts.ts';

export interface Gres {
  readonly type: string;
  readonly model: string | null;
  readonly count: number;
}

const NAME = /^[A-Za-z_][\w.+-]{0,63}$/;

/** null: it is no list of generic resources. `none` is the empty list. */
export function readGres(text: string): readonly Gres[] | null {
  if (text.trim() === 'none' || text.trim() === '') return [];
  const all: Gres[] = [];
  for (const part of text.split(',')) {
    const words = part
      .trim()
      .replace(/^gres[:/]/, '')
      .split(/[:=]/);
    const [type = '', ...more] = words;
    if (!NAME.test(type) || more.length > 2) return null;
    const read = readModelAndCount(more);
    if (read === null) return null;
    if (read.count > 0) all.push({ type, ...read });
  }
  return all.length > 100 ? null : all;
}

/** As `--gpus` and its kin write them. */
export function readGpus(text: string): readonly Gres[] | null {
  const all: Gres[] = [];
  for (const part of text.split(',')) {
    const read = readModelAndCount(part.trim().split(/[:=]/));
    if (read === null || part.trim() === '') return null;
    if (read.count > 0) all.push({ type: 'gpu', ...read });
  }
  return all.length > 100 ? null : all;
}

function readModelAndCount(words: readonly string[]): { readonly model: string | null; readonly count: number } | null {
  if (words.length > 2) return null;
  const last = words.at(-1);
  if (last === undefined) return { model: null, count: 1 };
  const count = readNumber(last, 0);
  if (words.length === 1) {
    if (count !== null) return { model: null, count };
    return NAME.test(last) ? { model: last, count: 1 } : null;
  }
  return count !== null && /^[\w.+-]{1,64}$/.test(words[0]!) ? { model: words[0]!, count } : null;
}

/** `exclusive`: needed outside slots, where things may be shared. */
export function gresVertex({ type, model, count }: Gres, exclusive: boolean): DraftVertex {
  return {
    type,
    count,
    ...(exclusive ? { exclusive: true } : {}),
    ...(model === null ? {} : { requires: [{ name: 'cluster', field: 'model', match: model }] }),
  };
}

export function gresText(all: readonly Gres[]): string {
  return all.map(({ type, model, count }) => `${count} × ${model === null ? '' : `${model} `}${type}`).join(', ');
}
