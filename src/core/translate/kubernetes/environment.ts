/** A container's variables, and `$(NAME)` in commands and values, which Kubernetes expands and `$$(` escapes. */
import { child, items, kindOf, text, wrong } from '../../jobspec/place.ts';
import type { Place } from '../../jobspec/place.ts';
import { jsonMap } from '../draft.ts';
import type { JsonMap } from '../draft.ts';
import type { Report } from '../report.ts';
import { counted } from '../counted.ts';
import { quoteWord } from '../words.ts';

export function readVariables(list: Place | null, report: Report): JsonMap {
  const environment = jsonMap();
  for (const each of list === null ? [] : items(list)) {
    const name = child(each, 'name');
    if (name === null) throw wrong(each, '`name` is missing: every variable has one');
    const from = child(each, 'valueFrom');
    const value = child(each, 'value');
    if (from !== null) {
      report.dropped(from.node.at, from.path, `${text(name)} comes from Kubernetes itself; give it a value`);
      continue;
    }
    if (value !== null && value.node.kind !== 'scalar') throw wrong(value, `must be text, not ${kindOf(value)}`);
    environment[text(name)] = value === null ? '' : expand(text(value), environment);
  }
  if (list !== null && Object.keys(environment).length > 0) {
    report.kept(list.node.at, list.path, counted(Object.keys(environment).length, 'variable'));
  }
  return environment;
}

/** What names no variable stays as it is. */
export function expand(written: string, environment: JsonMap): string {
  return written.replaceAll(/\$\$|\$\(([^()$]{1,200})\)/g, (all, name: string | undefined) => {
    if (name === undefined) return '$';
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    return typeof value === 'string' ? value : all;
  });
}

const INDEX = 'JOB_COMPLETION_INDEX';
/** No word of a command has it. */
const MARK = '\0';

/**
 * The command of an Indexed Job's container, whose index Kubernetes expands as well; here it is known only where the
 * task runs, so that a shell puts it in. null: it is not named. A variable's own value comes before it, so it is not
 * expanded in those.
 */
export function withIndex(written: readonly string[], environment: JsonMap): readonly string[] | null {
  if (Object.hasOwn(environment, INDEX) || written.some((word) => word.includes(MARK))) return null;
  const marked = Object.assign(jsonMap(), environment, { [INDEX]: MARK });
  const words = written.map((word) => expand(word, marked).split(MARK));
  if (words.every((parts) => parts.length === 1)) return null;
  const quoted = words.map((parts) =>
    parts.length === 1
      ? quoteWord(parts[0]!)
      : parts.map((part) => (part === '' ? '' : quoteWord(part))).join(`"$${INDEX}"`),
  );
  return ['/bin/sh', '-c', `exec ${quoted.join(' ')}`];
}

/** The text that `expand` gives back: a `$` counts only before another, or before a parenthesis. */
export function escapeReferences(plain: string): string {
  return plain.replaceAll(/\$+(?=\()|\${2,}/g, (run) => run + run);
}
