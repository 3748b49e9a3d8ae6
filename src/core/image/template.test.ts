/** Templates of variables: what Go's text/template would write of the same elements, or null. */
import { describe, expect, test } from 'vitest';
import { compileTemplate } from './template.ts';

const matched = new Map([
  [
    'pci',
    new Map([
      [
        'device',
        [
          new Map([
            ['vendor', '8086'],
            ['class', ' 0200 '],
          ]),
          new Map([
            ['vendor', '10de'],
            ['class', '0302'],
          ]),
        ],
      ],
    ]),
  ],
  ['cpu', new Map([['cpuid', [new Map([['Name', 'AVX512F']]), new Map([['Name', 'SSE4']])]]])],
  [
    'system',
    new Map([
      [
        'osrelease',
        [
          new Map([
            ['Name', 'ID'],
            ['Value', 'rocky'],
          ]),
        ],
      ],
    ]),
  ],
]);

const expand = (template: string) => {
  const found = compileTemplate(template).expand(matched);
  return found === null ? null : Object.fromEntries(found);
};
const written = (expression: string) => expand(`x={{ ${expression} }}`)?.['x'] ?? null;

test('the examples of Node Feature Discovery', () => {
  expect(expand('{{ range .pci.device }}vendor-{{ .class | trim }}-{{ .vendor }}.present=true\n{{ end }}')).toEqual({
    'vendor-0200-8086.present': 'true',
    'vendor-0302-10de.present': 'true',
  });
  expect(expand('{{ range .system.osrelease }}system-{{ .Name }}={{ .Value }}\n{{ end }}')).toEqual({
    'system-ID': 'rocky',
  });
  expect(expand('num={{ .pci.device | len }}\nfirst={{ (.pci.device | first).class | trim | substr 0 63 }}\n')).toEqual(
    { num: '2', first: '0200' },
  );
});

describe('expressions', () => {
  test.each([
    ['len .pci.device', '2'],
    ['len "größe"', '7'],
    ['(index .pci.device 1).vendor', '10de'],
    ['(last .cpu.cpuid).Name | lower', 'sse4'],
    ['index (first .pci.device) "vendor"', '8086'],
    ['"a b" | replace " " "-" | upper', 'A-B'],
    ['trimPrefix "AVX" (first .cpu.cpuid).Name', '512F'],
    ['(first .cpu.cpuid).Name | trimSuffix "F"', 'AVX512'],
    ['substr 3 6 "AVX512F"', '512'],
    ['substr 3 -1 "AVX512F"', '512F'],
    ['.usb.device | len | print "n" | default "none"', null],
    ['.usb.device | default "none"', 'none'],
    ['add 1 (len .pci.device) (int "3")', '6'],
    ['sub 3 1', '2'],
    ['and true (gt (len .pci.device) 1)', 'true'],
    ['and .usb.device true', ''],
    ['or .usb.device "x"', 'x'],
    ['not .usb.device', 'true'],
    ['eq "a" "b" "a"', 'true'],
    ['ne 1 2', 'true'],
    ['lt "a" "b"', 'true'],
    ['hasPrefix "AVX" "AVX512F"', 'true'],
    ['contains "512" "AVX512F" | print', 'true'],
    ['`raw "text"`', 'raw "text"'],
    ['"quo\\"ted"', 'quo"ted'],
    ['$.usb', ''],
    // What Go would stop at makes no variables.
    ['len 3', null],
    ['index .pci.device 5', null],
    ['lt 1 "a"', null],
    ['first "text"', null],
  ])('{{ %s }}', (expression, expected) => {
    expect(written(expression)).toBe(expected);
  });
});

test('if with else if, with, range with else, and the root from inside', () => {
  expect(
    expand(
      '{{ range .cpu.cpuid }}{{ if eq .Name "AVX512F" }}wide=yes{{ else if hasPrefix "SSE" .Name }}old={{ .Name }}{{ else }}other=x{{ end }}\n{{ end }}',
    ),
  ).toEqual({ wide: 'yes', old: 'SSE4' });
  expect(expand('{{ with .usb.device }}usb=yes{{ else }}usb=no{{ end }}')).toEqual({ usb: 'no' });
  expect(expand('{{ with first .pci.device }}v={{ .vendor }}/{{ len $.pci.device }}{{ end }}')).toEqual({
    v: '8086/2',
  });
  expect(expand('{{ range .usb.device }}x{{ else }}none=1{{ end }}')).toEqual({ none: '1' });
  expect(expand('{{- /* nothing */ -}} a=1 {{- " " -}} ')).toEqual({ a: '1' });
});

test.each([
  ['{{ template "x" }}', 'line 1, column 1: template is more than this server reads'],
  ['a=1\n{{ $x := 3 }}', 'line 2, column 4: variables are more'],
  ['{{ printf "%s" .a }}', 'column 4: there is no function printf here; there are and, or'],
  ['{{ constructor .a }}', 'there is no function constructor'],
  ['{{ substr 1 2 }}', 'substr takes 3 values, not 2'],
  ['{{ .a .b }}', 'column 7: this is no function, so nothing follows it'],
  ['{{ .a | .b }}', 'a pipe leads to a function'],
  ['{{ (.a }}', 'this parenthesis has no end'],
  ['{{ .a ) }}', 'column 7'],
  ['{{ }}', 'something is missing'],
  ['{{ "a }}', 'this cannot be read'],
  ['{{ if .a }}', 'this if has no end'],
  ['{{ if .a }}{{ else }}{{ else }}{{ end }}', 'two else'],
  ['{{ end }}', 'end does not belong here'],
  ['{{ else if .a }}', 'else if .a does not belong here'],
  [`{{ ${'('.repeat(30)}.a${')'.repeat(30)} }}`, 'nested deeper than 20'],
  [`${'{{ if .a }}'.repeat(25)}${'{{ end }}'.repeat(25)}`, 'nested deeper than 20'],
])('%s is refused with its place', (template, message) => {
  expect(() => compileTemplate(template)).toThrow(message);
});

test('what would take too long or write too much makes no variables', () => {
  const nested = '{{ range $.pci.device }}'.repeat(18) + 'x' + '{{ end }}'.repeat(18);
  expect(expand(nested)).toBeNull();
  const grown = `x={{ "aaaaaaaaaa"${' | replace "a" "aaaaaaaaaa"'.repeat(8)} }}`;
  expect(expand(grown)).toBeNull();
});
