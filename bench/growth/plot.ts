/** Times by number of jobs, both in powers of ten: one panel a store, as SVG. Flat lines cost the same among any. */
export interface Panel {
  readonly title: string;
  readonly jobs: readonly number[];
  /** Milliseconds, by number of jobs. */
  readonly lines: readonly { readonly name: string; readonly times: readonly number[] }[];
}

const PANEL = 330;
const HEIGHT = 500;
const LEFT = 64;
const KEY = 240;
const TOP = 64;
const BOTTOM = 56;
/** Milliseconds. */
const LEAST = 0.05;
const MOST = 100_000;
/** Told apart also by those who do not see all colours (Okabe and Ito), and by dashes. */
const STROKES = ['#000000', '#e69f00', '#56b4e9', '#009e73', '#0072b2', '#d55e00', '#cc79a7', '#999999'];

export function plot(title: string, panels: readonly Panel[]): string {
  const width = LEFT + panels.length * PANEL + KEY;
  const up = (ms: number): number => {
    const share = (Math.log10(Math.min(MOST, Math.max(LEAST, ms))) - Math.log10(LEAST)) / Math.log10(MOST / LEAST);
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
  };
  const parts: string[] = [];
  for (const [number, { title: name, jobs, lines }] of panels.entries()) {
    const left = LEFT + number * PANEL;
    const [first, last] = [Math.log10(jobs[0] ?? 1), Math.log10(jobs.at(-1) ?? 10)];
    const across = (count: number): number => left + 16 + ((Math.log10(count) - first) / (last - first)) * (PANEL - 56);
    parts.push(text(left + 16, TOP - 12, name, 'class="panel"'));
    for (let power = -1; power <= 5; power++) {
      const y = up(10 ** power);
      parts.push(`<path class="grid" d="M${left} ${round(y)}h${PANEL - 24}"/>`);
      if (number === 0) parts.push(text(left - 8, y + 4, timeText(10 ** power), 'text-anchor="end"'));
    }
    for (const count of jobs) {
      parts.push(text(across(count), HEIGHT - BOTTOM + 20, countText(count), 'text-anchor="middle"'));
    }
    for (const [place, { times }] of lines.entries()) {
      const path = times.map((ms, at) => `${round(across(jobs[at] ?? 1))} ${round(up(ms))}`).join('L');
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
${text(LEFT + (panels.length * PANEL) / 2, HEIGHT - 12, 'jobs in the store', 'text-anchor="middle"')}
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

function timeText(ms: number): string {
  if (ms < 1) return `${ms * 1000} µs`;
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}

function countText(count: number): string {
  return count >= 1_000_000 ? `${count / 1_000_000} million` : String(count).replace(/(\d)(?=(\d{3})+$)/g, '$1,');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
