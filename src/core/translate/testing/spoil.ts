/**
 * Random input for the readers, by grammar: most of it nearly right, so that it gets far into them, and then spoilt:
 * a character more or less, a tab, a carriage return, a byte order mark, an anchor, a quote that stays open.
 */
import * as fc from 'fast-check';

/** What spoils a text that was all right. */
const spoil = fc.oneof(
  { weight: 30, arbitrary: fc.constant((text: string) => text) },
  {
    weight: 6,
    arbitrary: fc
      .record({
        at: fc.noBias(fc.integer({ min: 0, max: 1000 })),
        cut: fc.integer({ min: 0, max: 4 }),
        put: fc.oneof(
          fc.constantFrom(
            '\t',
            '\r',
            '\0',
            '"',
            "'",
            '\\',
            '#',
            '\n',
            '  ',
            '&a ',
            '*a',
            '- ',
            ': ',
            '{',
            ']',
            '|',
            '>',
            '%',
            '"""',
            '\uFEFF',
            '\uD800',
            '---\n',
            '<<: ',
          ),
          fc.string({ maxLength: 3, unit: 'binary' }),
        ),
      })
      .map(({ at, cut, put }) => (text: string) => {
        const from = Math.floor((at / 1000) * text.length);
        return text.slice(0, from) + put + text.slice(from + cut);
      }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      (text: string) => text.replaceAll('\n', '\r\n'),
      (text: string) => `\uFEFF${text}`,
      (text: string) => text.replaceAll('  ', '\t'),
      (text: string) => text + text,
    ),
  },
);

export function spoilt(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(text, spoil, spoil).map(([text, first, second]) => second(first(text)));
}
