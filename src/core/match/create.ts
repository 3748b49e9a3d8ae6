/**
 * The matcher (matcher.ts): all clusters in one class table. Follows one change through: a cluster's tree is interned
 * once, what is taken re-interns one path, and a question is put to a root class, so clusters that look alike share
 * its answer.
 * A little long: the one class behind the port, method by method; everything that it does is in the files beside it.
 */
import { RainbowError } from '../errors.ts';
import type { ResourceGraph, Subsystem } from '../graph/graph.ts';
import type { Request } from '../jobspec/jobspec.ts';
import { adopt, atOnce, type Pending } from './adopt.ts';
import { Answers } from './answers.ts';
import { AttributeTable } from './attributes.ts';
import { ClassTable, type Class } from './classes.ts';
import { FormTable } from './forms.ts';
import { Holding } from './holding.ts';
import type { Ids } from './ids.ts';
import { explainImage } from './image.ts';
import type {
  Asking,
  DebitKey,
  Fits,
  Matcher,
  MatcherOptions,
  MatchReason,
  Roots,
  Satisfying,
  Verdict,
  Verdicts,
  Witness,
  WitnessGroup,
} from './matcher.ts';
import { Looks } from './looks.ts';
import type { Overlay } from './overlay.ts';
import type { Asked } from './decide.ts';
import type { When } from './explain.ts';
import type { LocalClasses } from './local.ts';
import { largestFirst, place } from './place.ts';
import { planTree, type TreePlan } from './plan.ts';
import { answer, compileQuestion, leavesNone, reasonsFor, type Question } from './question.ts';
import type { Residual } from './residual.ts';
import { ShapeTable } from './shapes.ts';
import { Solver } from './solver.ts';
import { above } from './spot.ts';
import { takesOf } from './takes.ts';
import { typeCounts } from './type-counts.ts';

export function createMatcher(options: MatcherOptions = {}): Matcher {
  return new ClassMatcher(options.budget ?? 1_000_000);
}

/** Beyond that many, shapes of earlier requests are forgotten. */
const shapeLimit = 200_000;
/** Questions whose satisfying clusters are remembered. */
const questionLimit = 1_000;

const YES: Verdict = { fits: 'yes', reasons: [] };
/** By the class of everything. */
type Reasons = WeakMap<Class, readonly MatchReason[]>;
class ReasonsOf extends WeakMap<Question, WeakMap<Class, Reasons>> {}

/** Verdicts on all of a cluster, and on what is free of it: the same look, but other words. */
class Known {
  readonly ever = new Answers();
  readonly now = new Answers();
}

class ClassMatcher implements Matcher {
  readonly #budget: number;
  readonly #attributes = new AttributeTable();
  readonly #classes = new ClassTable();
  readonly #forms = new FormTable(this.#classes);
  readonly #solver = new Solver(new ShapeTable());
  readonly #tables = { attributes: this.#attributes, classes: this.#classes, forms: this.#forms };
  readonly #holdings = new Map<string, Holding>();
  /** Of loads that are under way. */
  readonly #pending = new Set<Pending>();
  readonly #looks = new Looks();
  #answered = 0;
  #version = 0;
  /** Who satisfies what, until a cluster comes, goes or changes. */
  readonly #satisfying = new Map<string, Satisfying>();
  #questions = new WeakMap<Request, Question>();
  #answers = new WeakMap<Question, Known>();
  /** By the tree that the constraint leaves and the whole one: clusters that look alike share their reasons. */
  readonly #reasonsOf = { ever: new ReasonsOf(), now: new ReasonsOf() };
  #tops = new WeakMap<Class, Class>();
  #sweepAt = 10_000;

  constructor(budget: number) {
    this.#budget = budget;
  }

  setCluster(cluster: string, graph: ResourceGraph, subsystems: readonly Subsystem[]): void {
    atOnce(this.load(cluster, planTree(graph), subsystems));
  }

  *load(cluster: string, plan: TreePlan, subsystems: readonly Subsystem[]): Generator<void, void> {
    const pending = this.#pend();
    try {
      const made = new Holding(this.#tables, yield* adopt(this.#tables, plan, pending));
      for (let asks = -1; asks !== this.#attributes.asks;) {
        asks = this.#attributes.asks;
        for (const of of subsystems) made.use(of.name, of, yield* made.linked(of.name, of, pending));
      }
      const before = this.#holdings.get(cluster);
      if (before?.residual) made.inherit(before.residual, (vertex) => made.tree.find(before.tree.id(vertex)));
      this.#unlist(cluster);
      this.#holdings.set(cluster, made);
      this.#list(cluster);
    } finally {
      this.#pending.delete(pending);
    }
    this.#sweep();
  }

  setSubsystem(cluster: string, subsystem: Subsystem): void {
    atOnce(this.loadSubsystem(cluster, subsystem));
  }

  loadSubsystem(cluster: string, subsystem: Subsystem): Generator<void, void> {
    return this.#relink(cluster, subsystem.name, subsystem);
  }

  removeSubsystem(cluster: string, subsystem: string): void {
    if (this.#holding(cluster).subsystems.has(subsystem)) atOnce(this.#relink(cluster, subsystem, null));
  }

  *#relink(cluster: string, name: string, subsystem: Subsystem | null): Generator<void, void> {
    const holding = this.#holding(cluster);
    const pending = this.#pend();
    try {
      const linked = yield* holding.linked(name, subsystem, pending);
      if (this.#holding(cluster) !== holding) throw new RainbowError('aborted', `${cluster} was replaced meanwhile`);
      this.#unlist(cluster);
      holding.use(name, subsystem, linked);
      this.#list(cluster);
    } finally {
      this.#pending.delete(pending);
    }
    this.#sweep();
  }

  #pend(): Pending {
    const pending: Pending = { owns: [], forms: [] };
    this.#pending.add(pending);
    return pending;
  }

  removeCluster(cluster: string): void {
    this.#unlist(cluster);
    this.#holdings.delete(cluster);
    this.#sweep();
  }

  clusters(): readonly string[] {
    return [...this.#holdings.keys()];
  }

  satisfiable(cluster: string, request: Request): Verdict {
    return this.asking(request).satisfiable(cluster);
  }

  startable(cluster: string, request: Request): Verdict {
    return this.asking(request).startable(cluster);
  }

  asking(request: Request): Asking {
    const question = this.#question(request);
    const known = remembered(this.#answers, question, () => new Known());
    return {
      satisfiable: (cluster) => this.#verdict(this.#holding(cluster).full, question, known, 'ever'),
      startable: (cluster) => {
        const { full, free } = this.#holding(cluster);
        return this.#verdict(free, question, known, free.root === full.root ? 'ever' : 'now');
      },
      of: question.filter?.namesNodes === true ? null : (roots) => this.#both(roots as TwoRoots, question, known),
    };
  }

  #both({ full, free }: TwoRoots, question: Question, { ever, now }: Known): Verdicts {
    const satisfiable = ever.find(full) ?? ever.keep(full, this.#common(full, question, 'ever'));
    if (satisfiable.fits !== 'yes' || free === full) return { satisfiable, startable: satisfiable };
    return { satisfiable, startable: now.find(free) ?? now.keep(free, this.#common(free, question, 'now')) };
  }

  roots(cluster: string): Roots {
    const { full, free } = this.#holding(cluster);
    return { full: full.root, free: free.root };
  }

  get version(): number {
    return this.#version;
  }

  satisfying(request: Request): Satisfying {
    const question = this.#question(request);
    const key = question.key();
    let known = this.#satisfying.get(key);
    if (known === undefined) {
      if (this.#satisfying.size >= questionLimit) this.#satisfying.clear();
      this.#satisfying.set(key, (known = this.#ask(question)));
    }
    return known;
  }

  /** Once per look; names of nodes are each cluster's own. */
  #ask(question: Question): Satisfying {
    const yes: (readonly string[])[] = [];
    const unknown: (readonly string[])[] = [];
    const put = (fits: Fits, clusters: readonly string[]): void => {
      if (fits !== 'no') (fits === 'yes' ? yes : unknown).push(clusters);
    };
    for (const [root, clusters] of this.#looks) {
      if (question.filter?.namesNodes === true) {
        for (const cluster of clusters) put(this.#own(this.#holding(cluster).full, question, 'ever').fits, [cluster]);
      } else put(this.#fits(root, question), clusters);
    }
    let all: readonly string[] | null = null;
    return {
      alike: yes,
      get yes() {
        return (all ??= yes.flat());
      },
      unknown: unknown.flat(),
    };
  }

  place(cluster: string, request: Request, on: 'free' | 'all'): Witness | null {
    const question = this.#question(request);
    const holding = this.#holding(cluster);
    if (question.unanswerable) return null;
    const residual = on === 'free' ? holding.residual : null;
    const witness = this.#place(residual?.overlay ?? holding.full, residual, question, question.groups);
    if (witness === null || witness.groups.length === question.groups.length) return witness;
    return this.#placeInTurn(holding, on, question) ?? witness;
  }

  #place(all: Overlay, residual: Residual | null, question: Question, groups: readonly Asked[]): Witness | null {
    if (groups.length === 0) return { groups: [] };
    const overlay = this.#filtered(all, question);
    if (overlay.root === null) return null;
    const inLeaf = residual === null ? null : (spine: number): LocalClasses => residual.inLeaf(spine);
    const ground = { forms: this.#forms, overlay, inLeaf };
    return place(this.#solver, groups, above(ground, this.#top(overlay.root)), this.#budget);
  }

  /** Groups are separate requests, so one may share what another does not have exclusively: the largest first. */
  #placeInTurn(holding: Holding, on: 'free' | 'all', question: Question): Witness | null {
    const residual = on === 'free' ? holding.taken() : holding.untaken();
    const keys: string[] = [];
    try {
      const placed = new Map<Asked, WitnessGroup>();
      for (const one of largestFirst(question.groups)) {
        const witness = this.#place(residual.overlay, residual, question, [one]);
        const group = witness?.groups[0];
        if (witness === null || group === undefined) return null;
        placed.set(one, group);
        const key = `\n${keys.length}`; // no key of a job's
        keys.push(key);
        residual.debit(
          key,
          takesOf(witness, (vertex) => holding.tree.look(vertex)),
        );
      }
      return { groups: question.groups.map((one) => placed.get(one) as WitnessGroup) };
    } finally {
      for (const key of keys) residual.credit(key);
    }
  }

  debit(cluster: string, key: DebitKey, witness: Witness): void {
    const holding = this.#holding(cluster);
    const takes = takesOf(witness, (vertex) => holding.tree.look(vertex));
    holding.taken().debit(key, takes);
    this.#sweep();
  }

  isFree(cluster: string, witness: Witness): boolean {
    const holding = this.#holding(cluster);
    const takes = takesOf(witness, (vertex) => holding.tree.look(vertex));
    const residual = holding.taken();
    const before = unitsOf(residual.overlay.root);
    residual.debit(PROBE, takes);
    const taken = before - unitsOf(residual.overlay.root);
    residual.credit(PROBE);
    // Of what goes whole, at least itself.
    const least = takes.map(({ vertex, amount }) => (holding.tree.look(vertex).hasKids ? 1 : amount));
    return taken >= least.reduce((sum, amount) => sum + amount, 0);
  }

  credit(cluster: string, key: DebitKey): void {
    const holding = this.#holding(cluster);
    holding.residual?.credit(key);
    this.#sweep();
  }

  report(cluster: string, busy: readonly number[], includes: readonly DebitKey[]): void {
    const holding = this.#holding(cluster);
    const takes = [...new Set(busy)].map((vertex) => ({ vertex, amount: 0, whole: true }));
    for (const { vertex } of takes) {
      if (!Number.isInteger(vertex) || vertex < 0 || vertex >= holding.tree.size) {
        throw new RainbowError('invalid_input', `${cluster} has no vertex number ${vertex}; send its graph again`);
      }
    }
    holding.taken().report(takes, includes);
    this.#sweep();
  }

  counts(
    cluster: string,
  ): readonly { readonly type: string; readonly total: number; readonly free: number; readonly unit: string }[] {
    const holding = this.#holding(cluster);
    const all = holding.full.root;
    if (all === null) return [];
    const { root } = holding.free;
    const free = root === null ? null : typeCounts(root);
    return [...typeCounts(all)].map(([type, { total, unit }]) => ({
      type,
      total,
      free: free?.get(type)?.total ?? 0,
      unit,
    }));
  }

  vertexIndex(cluster: string, id: string): number {
    return this.#holdings.get(cluster)?.tree.find(id) ?? -1;
  }

  vertexId(cluster: string, vertex: number): string {
    return this.#holdings.get(cluster)?.tree.id(vertex) ?? '';
  }

  ids(cluster: string): Ids {
    return this.#holding(cluster).tree.ids;
  }

  #holding(cluster: string): Holding {
    const holding = this.#holdings.get(cluster);
    if (holding === undefined) throw new RainbowError('not_found', `there is no cluster ${cluster}`);
    return holding;
  }

  #question(request: Request): Question {
    let question = this.#questions.get(request);
    if (question === undefined) {
      if (this.#solver.shapes.size > shapeLimit) {
        this.#solver.shapes.clear();
        this.#classes.forgetAnswers();
      }
      question = compileQuestion(this.#solver, request);
      this.#questions.set(request, question);
      for (const [subsystem, field] of question.asks) this.#learn(subsystem, field);
    }
    return question;
  }

  /** Somebody asks about names or ids in a subsystem: from now on classes tell them apart. */
  #learn(subsystem: string, field: string): void {
    if (!this.#attributes.ask(subsystem, field)) return;
    for (const [cluster, holding] of this.#holdings) {
      const known = holding.subsystems.get(subsystem);
      if (known !== undefined) atOnce(this.#relink(cluster, subsystem, known));
    }
  }

  get answered(): number {
    return this.#answered;
  }

  #verdict(overlay: Overlay, question: Question, known: Known, when: When): Verdict {
    if (question.filter !== null && question.filter.namesNodes) return this.#own(overlay, question, when);
    const { root } = overlay;
    return known[when].find(root) ?? known[when].keep(root, this.#common(root, question, when));
  }

  /** Of a question that names nodes: each cluster's own. */
  #own(overlay: Overlay, question: Question, when: When): Verdict {
    const left = this.#filtered(overlay, question).root;
    return this.#worded(this.#answer(left, question), overlay.root, left, question, when);
  }

  /** Of one that does not: the same for all that look alike. */
  #common(root: Class | null, question: Question, when: When): Verdict {
    const left = this.#left(root, question);
    return this.#worded(this.#answer(left, question), root, left, question, when);
  }

  /** The answer alone, which is kept where it is dear: words for every look took as long as asking. */
  #fits(root: Class, question: Question): Fits {
    return this.#answer(this.#left(root, question), question);
  }

  #left(root: Class | null, { filter }: Question): Class | null {
    return filter === null || root === null ? root : filter.filter(this.#classes, root);
  }

  /** Reasons cost many questions and are seldom read: they are found when somebody does. */
  #worded(fits: Fits, all: Class | null, left: Class | null, question: Question, when: When): Verdict {
    if (fits === 'yes') return YES;
    let reasons: readonly MatchReason[] | null = null;
    const find = (): readonly MatchReason[] => (reasons ??= this.#reasons(all, left, question, when));
    return {
      fits,
      get reasons() {
        return find();
      },
    };
  }

  #reasons(all: Class | null, left: Class | null, question: Question, when: When): readonly MatchReason[] {
    const path = question.request.groups[0]?.vertices[0]?.path ?? '';
    const whole = { vertex: path, type: '', needed: null, best: null, unit: '', relaxation: null };
    if (all === null) return [{ ...whole, stage: 'total', message: 'nothing of this cluster is free' }];
    if (left === null) return [{ ...whole, ...this.#leavesNone(all, question, when) }];
    const byLeft = remembered(this.#reasonsOf[when], question, () => new WeakMap<Class, Reasons>());
    const byAll = remembered(byLeft, left, (): Reasons => new WeakMap());
    return remembered(byAll, all, () =>
      reasonsFor(this.#solver, question, this.#top(left), this.#top(all), this.#budget, when),
    );
  }

  #leavesNone(all: Class, { request }: Question, when: When): Pick<MatchReason, 'stage' | 'message'> {
    const failure = request.image ? explainImage(request.image, all) : null;
    if (failure === null || failure.good > 0) {
      return { stage: 'constraint', message: leavesNone(request.constraint, all, when) };
    }
    return { stage: 'image', message: failure.message };
  }

  /** `left`: what the constraint leaves. */
  #answer(left: Class | null, question: Question): Fits {
    this.#answered++;
    if (question.groups.length === 0) return 'yes';
    return left === null ? 'no' : answer(this.#solver, question, this.#top(left), this.#budget);
  }

  /** The tree without the nodes that the constraint excludes. */
  #filtered(overlay: Overlay, { filter }: Question): Overlay {
    return filter === null ? overlay : filter.overlay(this.#classes, overlay);
  }

  /** A class above a root, so that a request may name the root itself. */
  #top(root: Class): Class {
    let top = this.#tops.get(root);
    if (top === undefined) {
      const own = this.#attributes.intern({ type: '', size: 0, unit: '', inNode: false, metadata: {} });
      top = this.#classes.intern(own, 0, root.touched, new Map([[root, 1]]));
      this.#tops.set(root, top);
    }
    return top;
  }

  #list(cluster: string): void {
    this.#satisfying.clear();
    this.#version++;
    this.#looks.add(this.#holdings.get(cluster)?.full.root ?? null, cluster);
  }

  #unlist(cluster: string): void {
    this.#satisfying.clear();
    this.#version++;
    this.#looks.remove(this.#holdings.get(cluster)?.full.root ?? null, cluster);
  }

  /** Forgets classes that no cluster has any more, once they are as many as those in use. */
  #sweep(): void {
    if (this.#classes.count < this.#sweepAt) return;
    const holdings = [...this.#holdings.values()];
    const pending = [...this.#pending];
    const forms = this.#forms.keep([
      ...holdings.flatMap((holding) => [...holding.liveForms()]),
      ...pending.flatMap((of) => of.forms),
    ]);
    const roots = new Set<Class>([...forms].map((form) => form.cls));
    for (const holding of holdings) for (const cls of holding.liveClasses()) roots.add(cls);
    const live = this.#classes.sweep(roots);
    const owns = new Set([...live].map((cls) => cls.own));
    for (const form of forms) owns.add(form.own);
    for (const holding of holdings) for (const own of holding.tree.innerOwns) owns.add(own);
    for (const of of pending) for (const own of of.owns) owns.add(own);
    this.#attributes.keep(owns);
    this.#tops = new WeakMap();
    this.#questions = new WeakMap();
    this.#answers = new WeakMap();
    this.#sweepAt = Math.max(10_000, 2 * this.#classes.count);
  }
}

/** `Roots`, as they are in here. */
interface TwoRoots {
  readonly full: Class | null;
  readonly free: Class | null;
}

/** Of no job. */
const PROBE = 'probe';

/** Of all types together: a number to compare with another of the same tree. */
function unitsOf(root: Class | null): number {
  let units = 0;
  if (root !== null) for (const { total } of typeCounts(root).values()) units += total;
  return units;
}

function remembered<K extends object, V>(known: WeakMap<K, V>, key: K, make: () => V): V {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  return made;
}
