/** Shares of jobs that have started by a given wait, one line per policy, as SVG. */
export interface Line {
  readonly name: string;
  /** Seconds by percentile, 0 to 100. */
  readonly waits: readonly number[];
}

const WIDTH = 860;
const HEIGHT = 460;
const LEFT = 64;
const RIGHT = 210;
const TOP = 48;
const BOTTOM = 56;
const TICKS: readonly (readonly [seconds: number, label: string])[] = [
  [10, '≤ 10 s'],
  [60, '1 min'],
  [600, '10 min'],
  [3_600, '1 h'],
  [21_600, '6 h'],
  [86_400, '1 d'],
];
/** Told apart also by those who do not see all colours (Okabe and Ito), and by dashes. */
const STROKES = ['#999999', '#56b4e9', '#e69f00', '#cc79a7', '#0072b2', '#009e73', '#d55e00', '#000000'];

export function plot(title: string, lines: readonly Line[]): string {
  const across = (seconds: number): number => {
    const [first, last] = [Math.log(10), Math.log(86_400)];
    const at = (Math.log(Math.min(86_400, Math.max(10, seconds))) - first) / (last - first);
    return LEFT + at * (WIDTH - LEFT - RIGHT);
  };
  const up = (share: number): number => HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
  const text = (x: number, y: number, words: string, more = ''): string =>
    `<text x="${round(x)}" y="${round(y)}" ${more}>${words}</text>`;
  const grid = [
    ...TICKS.map(([seconds, label]) => {
      const x = round(across(seconds));
      return `<path class="grid" d="M${x} ${up(0)}V${up(1)}"/>${text(x, up(0) + 20, label, 'text-anchor="middle"')}`;
    }),
    ...[0, 0.25, 0.5, 0.75, 1].map((share) => {
      const y = round(up(share));
      return `<path class="grid" d="M${LEFT} ${y}H${WIDTH - RIGHT}"/>${text(LEFT - 8, y + 4, `${share * 100} %`, 'text-anchor="end"')}`;
    }),
  ];
  const drawn = lines.map(({ name, waits }, i) => {
    const path = waits.map((wait, percent) => `${round(across(wait))} ${round(up(percent / 100))}`).join('L');
    const stroke = `stroke="${STROKES[i % STROKES.length]}"${i % 2 === 1 ? ' stroke-dasharray="7 3"' : ''}`;
    const y = TOP + 12 + i * 22;
    const key = `<path class="line" ${stroke} d="M${WIDTH - RIGHT + 18} ${y}h28"/>`;
    return `<path class="line" ${stroke} d="M${path}"/>${key}${text(WIDTH - RIGHT + 54, y + 4, name)}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
<style>text{font:13px system-ui,sans-serif;fill:#222}.title{font-size:15px;font-weight:600}.grid{stroke:#ddd;fill:none}.line{fill:none;stroke-width:2}</style>
<rect width="100%" height="100%" fill="#fff"/>
${text(LEFT, 26, title, 'class="title"')}
${grid.join('\n')}
${drawn.join('\n')}
${text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, 'waited at most', 'text-anchor="middle"')}
</svg>
`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
