/** Values in random documents: mostly what belongs there, now and then something else; and YAML to write them. */
import * as fc from 'fast-check';

export const scalar = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    '',
    'Never',
    'Indexed',
    'NonIndexed',
    'a',
    '1',
    '500m',
    '1.5Gi',
    '1e3',
    '-1',
    '1e99',
    '0',
    '9223372036854775808',
    'x'.repeat(300),
    '$(A) $$(B) $(',
    'node[1-3]',
    '__proto__',
  ),
  fc.integer({ min: -2, max: 20 }),
  fc.double(),
);

export const small = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 9 }) },
  { weight: 1, arbitrary: scalar },
);

/** Now and then something else than what belongs there. */
export function or(right: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 60, arbitrary: right },
    { weight: 1, arbitrary: scalar },
    { weight: 1, arbitrary: fc.constantFrom<unknown>([], {}, [[]], { a: { b: [1] } }, [null], { '': '' }) },
  );
}

export function record(
  required: Record<string, fc.Arbitrary<unknown>>,
  optional: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<unknown> {
  const all = Object.fromEntries(Object.entries({ ...required, ...optional }).map(([key, each]) => [key, or(each)]));
  return fc.record(all, { requiredKeys: Object.keys(required) });
}

/** Nearly always the first. */
export function mostly(right: unknown, ...others: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 20, arbitrary: fc.constant(right) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

export const texts = fc.array(fc.constantFrom<unknown>('a', '$(A)', '', 'b c', 3, true), { maxLength: 3 });
export const anything = fc.constantFrom<unknown>('x', 3, true, { a: 1 }, [{ b: null }]);
/** Plain block YAML: quick, and with indentation to spoil. */
export function yaml(value: unknown, depth: number): string {
  const indent = '  '.repeat(depth);
  if (Array.isArray(value) && value.length > 0)
    return value.map((each) => `\n${indent}- ${yaml(each, depth + 1).trimStart()}`).join('');
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0 && !Array.isArray(value)) {
    return Object.entries(value)
      .map(
        ([key, each]) => `\n${indent}${/^[\w./-]+$/.test(key) ? key : JSON.stringify(key)}: ${yaml(each, depth + 1)}`,
      )
      .join('');
  }
  return JSON.stringify(value) ?? 'null';
}
