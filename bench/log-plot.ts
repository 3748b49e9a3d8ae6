/** Lines over two axes in powers of ten, panels beside each other, as SVG. A flat line: the same among any number. */
export interface Panel {
  readonly title: string;
  readonly across: readonly number[];
  /** By place in `across`. */
  readonly lines: readonly { readonly name: string; readonly values: readonly number[] }[];
}

export interface Axes {
  readonly title: string;
  readonly acrossTitle: string;
  readonly acrossText: (value: number) => string;
  /** Powers of ten, least and most, and how each reads. */
  readonly up: readonly [least: number, most: number];
  readonly upText: (value: number) => string;
}

const PANEL = 330;
const HEIGHT = 500;
const LEFT = 64;
const KEY = 240;
const TOP = 64;
const BOTTOM = 56;
/** Told apart also by those who do not see all colours (Okabe and Ito), and by dashes. */
const STROKES = ['#000000', '#e69f00', '#56b4e9', '#009e73', '#0072b2', '#d55e00', '#cc79a7', '#999999'];

export function logPlot(
  { title, acrossTitle, acrossText, up: [least, most], upText }: Axes,
  panels: readonly Panel[],
): string {
  const width = LEFT + panels.length * PANEL + KEY;
  const up = (value: number): number => {
    const share = (Math.min(most, Math.max(least, Math.log10(value))) - least) / (most - least);
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
  };
  const parts: string[] = [];
  for (const [number, { title: name, across: counts, lines }] of panels.entries()) {
    const left = LEFT + number * PANEL;
    const [first, last] = [Math.log10(counts[0] ?? 1), Math.log10(counts.at(-1) ?? 10)];
    const across = (count: number): number => left + 16 + ((Math.log10(count) - first) / (last - first)) * (PANEL - 56);
    parts.push(text(left + 16, TOP - 12, name, 'class="panel"'));
    for (let power = Math.ceil(least); power <= most; power++) {
      const y = up(10 ** power);
      parts.push(`<path class="grid" d="M${left} ${round(y)}h${PANEL - 24}"/>`);
      if (number === 0) parts.push(text(left - 8, y + 4, upText(10 ** power), 'text-anchor="end"'));
    }
    for (const count of counts) {
      parts.push(text(across(count), HEIGHT - BOTTOM + 20, acrossText(count), 'text-anchor="middle"'));
    }
    for (const [place, { values }] of lines.entries()) {
      const path = values.map((value, at) => `${round(across(counts[at] ?? 1))} ${round(up(value))}`).join('L');
      parts.push(`<path class="line" ${strokeOf(place)} d="M${path}"/>`);
    }
  }
  for (const [place, { name }] of (panels[0]?.lines ?? []).entries()) {
    const y = TOP + 8 + place * 22;
    parts.push(
      `<path class="line" ${strokeOf(place)} d="M${width - KEY} ${y}h28"/>`,
      text(width - KEY + 36, y + 4, name),
    );
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT}" role="img" aria-label="${title}">
<style>text{font:13px system-ui,sans-serif;fill:#222}.title{font-size:15px;font-weight:600}.panel{font-weight:600}.grid{stroke:#ddd;fill:none}.line{fill:none;stroke-width:2}</style>
<rect width="100%" height="100%" fill="#fff"/>
${text(LEFT, 26, title, 'class="title"')}
${parts.join('\n')}
${text(LEFT + (panels.length * PANEL) / 2, HEIGHT - 12, acrossTitle, 'text-anchor="middle"')}
</svg>
`;
}

function strokeOf(place: number): string {
  const dashes = place >= STROKES.length ? ' stroke-dasharray="7 3"' : '';
  return `stroke="${STROKES[place % STROKES.length]}"${dashes}`;
}

function text(x: number, y: number, words: string, more = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" ${more}>${words}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** 0.01; 1,000; 10 million. */
export function countText(count: number): string {
  if (count >= 1_000_000) return `${countText(count / 1_000_000)} million`;
  return count < 1_000 ? String(count) : String(count).replace(/(\d)(?=(\d{3})+$)/g, '$1,');
}
