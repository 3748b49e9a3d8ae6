/**
 * What became of every directive of a script or document that was translated: one typed line each, in the order in
 * which they stood. Nothing is dropped or altered without a line here that says so and why.
 */

/**
 * kept: asked for just as it was. narrowed: everything asked for is granted, with less freedom than there was.
 * carried: kept in the jobspec, not acted on by Rainbow itself (`readersOf`). overridden: a later line or the command line says otherwise.
 * noted: changes nothing; said because a person may want to know. altered, dropped: lost, in part or whole.
 */
export type Outcome = 'kept' | 'narrowed' | 'carried' | 'overridden' | 'noted' | 'altered' | 'dropped';

export interface ReportLine {
  readonly outcome: Outcome;
  /** From 1; null where it stands nowhere (a default, a rendering). */
  readonly line: number | null;
  readonly column: number | null;
  /** The directive as written: `--mem=4G`, `spec.template.spec.nodeSelector`. */
  readonly what: string;
  /** What it became; null where nothing. */
  readonly became: string | null;
  readonly why: string | null;
  /** Carried, and a job that runs without it runs otherwise than it was asked to. */
  readonly unheeded: boolean;
}

export interface Spot {
  readonly line: number;
  readonly column: number;
}

/** Was something lost on the way? */
export function isLossy(lines: readonly ReportLine[]): boolean {
  return lines.some(({ outcome }) => outcome === 'altered' || outcome === 'dropped');
}

/** What stands in the way of submitting it: what was lost, and what is carried but would have to be heeded. */
export function obstacles(lines: readonly ReportLine[]): readonly ReportLine[] {
  return lines.filter(({ outcome, unheeded }) => outcome === 'altered' || outcome === 'dropped' || unheeded);
}

/** Whose schedulers are told of something carried; null: nobody is, or a job that runs elsewhere runs otherwise. */
export function readersOf({ outcome, became, unheeded }: ReportLine): string | null {
  if (outcome !== 'carried' || became === null || unheeded) return null;
  if (became.startsWith('attributes.rainbow.slurm.')) return 'Slurm';
  if (became.startsWith('attributes.rainbow.flux.')) return 'Flux';
  return /^attributes\.system\.(queue|bank|shell\.options\.output\.)/.test(became) ? 'Slurm and Flux' : null;
}

const SHOWN = 120;

export class Report {
  readonly lines: ReportLine[] = [];

  kept(at: Spot | null, what: string, became: string): void {
    this.#add('kept', at, what, became, null);
  }

  narrowed(at: Spot | null, what: string, became: string, why: string): void {
    this.#add('narrowed', at, what, became, why);
  }

  /** `effect`: what a job that runs without it does otherwise; null where it runs the same. */
  carried(at: Spot | null, what: string, became: string, effect: string | null): void {
    this.#add('carried', at, what, became, effect, effect !== null);
  }

  overridden(at: Spot | null, what: string, why: string): void {
    this.#add('overridden', at, what, null, why);
  }

  noted(at: Spot | null, what: string, why: string): void {
    this.#add('noted', at, what, null, why);
  }

  altered(at: Spot | null, what: string, became: string, why: string): void {
    this.#add('altered', at, what, became, why);
  }

  dropped(at: Spot | null, what: string, why: string): void {
    this.#add('dropped', at, what, null, why);
  }

  /** In the order in which they stand; what stands nowhere comes last. */
  sorted(): readonly ReportLine[] {
    const place = ({ line, column }: ReportLine): number => (line ?? 1e9) * 1e6 + Math.min(column ?? 0, 999_999);
    return this.lines
      .map((line, i) => [line, i] as const)
      .sort(([a, i], [b, j]) => place(a) - place(b) || i - j)
      .map(([line]) => line);
  }

  #add(
    outcome: Outcome,
    at: Spot | null,
    what: string,
    became: string | null,
    why: string | null,
    unheeded = false,
  ): void {
    const line = at?.line ?? null;
    const column = at?.column ?? null;
    this.lines.push({ outcome, line, column, what: shown(what), became: became && shown(became), why, unheeded });
  }
}

/** Text from elsewhere, short enough for a line. */
export function shown(text: string, most = SHOWN): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
