/**
 * A feature file of Node Feature Discovery (`features.d`): lines NAME[=VALUE] and comments, some of which are
 * directives: `# +expiry-time=TIME` for the lines after it, `# +no-feature` and `# +no-label` for the next line.
 * Source: the local feature source in NFD's customization guide. Pure: what time it is comes in.
 */
import { invalid } from '../errors.ts';
import { readIso } from '../iso-time.ts';

/** Beyond it NFD passes over the file. */
const MOST_BYTES = 64 * 1024;
const LABEL_NAMESPACE = 'feature.node.kubernetes.io/';
const LINE = /^[A-Za-z0-9][\w./-]*(?:=.*)?$/;

export interface FeatureFile {
  /** `local.feature`: what may be matched. */
  readonly features: Readonly<Record<string, string>>;
  /** `local.label`, which become labels of the node. */
  readonly labels: Readonly<Record<string, string>>;
}

/** A YAML or JSON document has a colon or a brace in its first line. */
export function isFeatureFile(text: string): boolean {
  const lines = linesOf(text).filter((line) => line !== '' && !line.startsWith('#'));
  return lines.length > 0 && lines.every((line) => LINE.test(line));
}

/** `now`: milliseconds since 1970. Throws `invalid_input` with the line. */
export function readFeatureFile(text: string, what: string, now: number): FeatureFile {
  if (text.length > MOST_BYTES) {
    throw invalid(what, `is over ${MOST_BYTES / 1024} KiB, and Node Feature Discovery passes over such a file`);
  }
  const features: Record<string, string> = {};
  const labels: Record<string, string> = {};
  let isExpired = false;
  let without = new Set<string>();
  for (const [i, line] of linesOf(text).entries()) {
    const directive = /^#\s*\+([a-z-]+)(?:=(.*))?$/.exec(line);
    if (directive !== null) {
      const [, name = '', value = ''] = directive;
      if (name === 'expiry-time') isExpired = timeOf(value, `${what} (line ${i + 1})`) <= now;
      else without.add(name);
      continue;
    }
    if (line === '' || line.startsWith('#')) continue;
    const at = line.indexOf('=');
    const [name, value] = at === -1 ? [line, 'true'] : [line.slice(0, at), line.slice(at + 1)];
    if (!isExpired && !without.has('no-feature')) features[name] = value;
    if (!isExpired && !without.has('no-label')) labels[name] = value;
    without = new Set();
  }
  return { features, labels };
}

/** As they are on the node: those without a namespace are in NFD's own. */
export function nodeLabels(labels: FeatureFile['labels']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [name.includes('/') ? name : `${LABEL_NAMESPACE}${name}`, value]),
  );
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').map((line) => line.trim());
}

function timeOf(value: string, place: string): number {
  const found = readIso(value.trim());
  if (found === null || !found.hasZone) {
    throw invalid(place, `${JSON.stringify(value.slice(0, 40))} is no time; write it as 2030-01-31T12:00:00Z`);
  }
  return found.ms;
}
