/** Writes into a jobspec that its owner allows what a cluster's own scheduler cannot be told to be lost (native.ts). */
import { isMap, isScalar, parseDocument } from 'yaml';
import { invalid } from '../errors.ts';
import { readDocument } from '../jobspec/document.ts';

const PATH = ['attributes', 'rainbow', 'allowLossy'] as const;

/** Everything else stays as it is written, comments too. Throws `invalid_input` with line and column. */
export function allowLoss(jobspec: string): string {
  readDocument(jobspec, 'jobspec'); // within the limits, and one document
  // With every scalar a text, numbers are written back as they were.
  const document = parseDocument(jobspec, { schema: 'failsafe', uniqueKeys: false, logLevel: 'silent' });
  for (let depth = 0; depth < PATH.length; depth++) {
    const within = PATH.slice(0, depth);
    const at: unknown = depth === 0 ? document.contents : document.getIn(within, true);
    if (isMap(at)) continue;
    const isNothing = at === undefined || (isScalar(at) && /^(|~|null|Null|NULL)$/.test(String(at.value)));
    if (!isNothing)
      throw invalid(within.join('.') || 'jobspec', 'a map is needed there, so that allowLossy can be put into it');
    document.setIn(within, document.createNode({}));
  }
  document.setIn(PATH, 'true');
  return document.toString({ lineWidth: 0 });
}
