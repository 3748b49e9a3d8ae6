/** The names that a host list of Slurm or of RFC 29 stands for, in order: `n[1-2,05],x` → n1 n2 n05 x. */

const MOST_HOSTS = 1_000_000;

/** What does not read as a list stands for itself; at most a million names. */
export function expandHosts(list: string): readonly string[] {
  const names: string[] = [];
  for (const part of splitOutside(list)) {
    for (const name of expand(part)) {
      names.push(name);
      if (names.length >= MOST_HOSTS) return names;
    }
  }
  return names;
}

function* expand(part: string): Generator<string> {
  const found = /^([^[\]]*)\[([\d,-]+)\](.*)$/.exec(part);
  if (found === null) {
    if (part !== '') yield part;
    return;
  }
  const [, prefix = '', ranges = '', rest = ''] = found;
  for (const range of ranges.split(',')) {
    const [first = '', last = first] = range.split('-');
    const end = Number(last);
    for (let id = Number(first); id <= end; id++) {
      const digits = String(id).padStart(first.length, '0');
      for (const tail of rest === '' ? [''] : expand(rest)) yield `${prefix}${digits}${tail}`;
    }
  }
}

/** At commas outside of brackets. */
function splitOutside(list: string): readonly string[] {
  return list.split(/,(?![^[]*\])/);
}
