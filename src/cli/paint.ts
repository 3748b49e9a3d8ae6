/**
 * Colours, and making text from elsewhere safe to print. Colours only on a terminal, never with NO_COLOR
 * (https://no-color.org) or TERM=dumb.
 */
import { stripVTControlCharacters } from 'node:util';
import pc from 'picocolors';
import type { Sink } from './io.ts';

export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

export function wantsColour(sink: Sink, env: Readonly<Record<string, string | undefined>>): boolean {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  return sink.isTTY && env['TERM'] !== 'dumb';
}

export function paint(sink: Sink, env: Readonly<Record<string, string | undefined>>): Paint {
  return pc.createColors(wantsColour(sink, env));
}

/** Without control characters: a job's name must not be able to move the reader's cursor. */
export function clean(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what is cut out
  return stripVTControlCharacters(text).replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}

/** The same for text of several lines, such as a command's error. */
export function cleanLines(text: string): string {
  return text.split('\n').map(clean).join('\n');
}
