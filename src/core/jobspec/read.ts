/**
 * A jobspec's text to a Jobspec, whichever dialect it is in (told apart by the shape of `resources`). Pure. Every
 * error is `invalid_input` and says the path, the line and the column. Limits: `document.ts`, 4,096 vertices.
 * A task that names no slot is no error here, as matching does not mind; `checkTasks` is for submitting.
 */
import { readDocument } from './document.ts';
import { readExperimental } from './experimental.ts';
import type { Jobspec } from './jobspec.ts';
import { readNextgen } from './nextgen.ts';
import { child, kindOf, number, refuseMisspelt, wrong } from './place.ts';
import type { Place } from './place.ts';
import { readRfc14 } from './rfc14.ts';

export { checkTasks } from './check.ts';

export interface ReadOptions {
  /** What the text is; JSON is read as the YAML that it also is, only the message for a syntax error differs. */
  readonly format?: 'yaml' | 'json';
}

const TOP_KEYS = ['version', 'name', 'resources', 'tasks', 'task', 'groups', 'requires', 'attributes'];
/** 9999 and 999 are what RFC 14's drafts and examples say. */
const LIST_VERSIONS = [1, 999, 9999];

export function readJobspec(text: string, options: ReadOptions = {}): Jobspec {
  const what = options.format === 'json' ? 'jobspec (JSON)' : 'jobspec';
  const document: Place = { node: readDocument(text, what), path: '' };
  if (document.node.kind !== 'map')
    throw wrong(document, `must be a map with version and resources, not ${kindOf(document)}`);
  refuseMisspelt(document, TOP_KEYS);
  const resources = child(document, 'resources');
  if (resources === null || resources.node.kind === 'map') {
    checkVersion(document, [1], 'with `resources` as a map (nextgen)');
    return readNextgen(document);
  }
  if (resources.node.kind !== 'list') {
    throw wrong(
      resources,
      `must be a list of vertices (RFC 14) or a map of named groups (nextgen), not ${kindOf(resources)}`,
    );
  }
  if (child(document, 'tasks') === null && child(document, 'task') !== null) {
    checkVersion(document, [...LIST_VERSIONS, 2], 'of the experimental form');
    return readExperimental(document);
  }
  checkVersion(document, LIST_VERSIONS, 'with `resources` as a list (RFC 14)');
  return readRfc14(document);
}

function checkVersion(document: Place, known: readonly number[], form: string): void {
  const version = child(document, 'version');
  if (version === null) throw wrong(document, '`version` is missing: write `version: 1`');
  if (!known.includes(number(version))) {
    throw wrong(version, `unknown version ${kindOf(version)}; a jobspec ${form} has version ${known.join(', ')}`);
  }
}
