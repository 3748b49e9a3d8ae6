/**
 * Colours, and making text from elsewhere safe to print. Colours only on a terminal, never with NO_COLOR
 * (https://no-color.org) or TERM=dumb.
 */
import { stripVTControlCharacters } from 'node:util';
import pc from 'picocolors';
import { CONTROL } from '../core/control-characters.ts';
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

const CONTROLS = new RegExp(`${CONTROL.source}+`, 'gu');

/** Without control characters: a job's name must not be able to move the reader's cursor, nor to turn the line around. */
export function clean(text: string): string {
  return stripVTControlCharacters(text).replace(CONTROLS, ' ');
}

/** The same for text of several lines, such as a command's error. */
export function cleanLines(text: string): string {
  return text.split('\n').map(clean).join('\n');
}
