/** What a pod's containers need together: a pod is one slot, on one node. */
import { counted } from '../counted.ts';
import { entries, text, wrong } from '../../jobspec/place.ts';
import type { Place } from '../../jobspec/place.ts';
import type { DraftVertex, JsonMap } from '../draft.ts';
import type { Report } from '../report.ts';
import { carryField, Fields } from './fields.ts';
import { bytesOf, readNanos, wholeUnits } from './quantity.ts';

export class PodNeeds {
  #cpus = 0n;
  #memory = 0n;
  /** How the only amount of memory was written; '' once there are several. */
  #written: string | null = null;
  readonly #others = new Map<string, number>();
  #cpuPlaces: Place[] = [];
  #memoryPlaces: Place[] = [];

  /** Requests; a limit stands for a request that is not there, as Kubernetes has it. */
  add(resources: Place | null, rainbow: JsonMap, report: Report): void {
    if (resources === null) return;
    const fields = new Fields(resources);
    const limits = fields.take('limits');
    const requests = fields.take('requests');
    const asked = new Map<string, Place>();
    for (const [name, value] of limits === null ? [] : entries(limits)) asked.set(name, value);
    let differ = false;
    for (const [name, value] of requests === null ? [] : entries(requests)) {
      const limit = asked.get(name);
      if (limit !== undefined && text(limit) !== text(value)) differ = true;
      asked.set(name, value);
    }
    if (limits !== null && differ) carryField(limits, null, rainbow, report);
    for (const [name, value] of asked) this.#one(name, value, rainbow, report);
    fields.rest({ claims: 'drop:devices by claim are not asked for' }, rainbow, report);
  }

  /** Of the pod as a whole: where it names a resource, that counts and not the sum of its containers. */
  ofPod(resources: Place | null, rainbow: JsonMap, report: Report): void {
    if (resources === null) return;
    const whole = new PodNeeds();
    whole.add(resources, rainbow, report);
    const instead = (places: readonly Place[], kind: string): void => {
      for (const { node, path } of places) report.overridden(node.at, path, `the pod’s own ${kind} counts`);
    };
    if (whole.#cpuPlaces.length > 0) {
      instead(this.#cpuPlaces, 'cpu');
      this.#cpus = whole.#cpus;
      this.#cpuPlaces = whole.#cpuPlaces;
    }
    if (whole.#memoryPlaces.length > 0) {
      instead(this.#memoryPlaces, 'memory');
      this.#memory = whole.#memory;
      this.#written = whole.#written;
      this.#memoryPlaces = whole.#memoryPlaces;
    }
    for (const [type, count] of whole.#others) this.#others.set(type, count);
  }

  #one(name: string, place: Place, rainbow: JsonMap, report: Report): void {
    const nanos = readNanos(text(place));
    if (nanos === null)
      throw wrong(place, `must be a quantity, as in 500m, 2 or 4Gi, not ${JSON.stringify(text(place).slice(0, 40))}`);
    if (name === 'cpu') {
      this.#cpus += nanos;
      this.#cpuPlaces.push(place);
    } else if (name === 'memory') {
      this.#memory += nanos;
      this.#written = this.#written === null ? text(place) : '';
      this.#memoryPlaces.push(place);
    } else if (name === 'ephemeral-storage' || name === 'storage' || name.startsWith('hugepages-')) {
      carryField(place, 'it is not asked for', rainbow, report);
    } else {
      this.#extended(name, nanos, place, report);
    }
  }

  /** `nvidia.com/gpu` is a gpu; any other is a resource of its own name. */
  #extended(name: string, nanos: bigint, place: Place, report: Report): void {
    const units = wholeUnits(nanos);
    if (units === null) throw wrong(place, 'is more than can be asked for');
    if (units === 0) return;
    const isGpu = /^[\w.-]+\/gpu(\..*)?$/.test(name);
    const type = isGpu ? 'gpu' : name;
    this.#others.set(type, (this.#others.get(type) ?? 0) + units);
    if (isGpu && name !== 'nvidia.com/gpu')
      report.narrowed(place.node.at, place.path, `${units} gpu`, 'whose make it is, is not asked');
    else report.kept(place.node.at, place.path, `${units} ${type}`);
  }

  /** What the slot holds: at least one core. */
  bundle(at: Place, report: Report): readonly DraftVertex[] {
    const cores = wholeUnits(this.#cpus);
    if (cores === null) throw wrong(this.#cpuPlaces[0] ?? at, 'is more than can be asked for');
    const bundle: DraftVertex[] = [{ type: 'core', count: Math.max(1, cores) }];
    const exact = this.#cpus > 0n && this.#cpus % 10n ** 9n === 0n;
    for (const place of this.#cpuPlaces) {
      if (exact) report.kept(place.node.at, place.path, `${counted(cores, 'core')} in each pod`);
      else
        report.narrowed(
          place.node.at,
          place.path,
          `${counted(Math.max(1, cores), 'core')} in each pod`,
          'cores are whole',
        );
    }
    if (this.#cpuPlaces.length === 0)
      report.narrowed(at.node.at, at.path, 'one core in each pod', 'no cpu is asked for');
    for (const [type, count] of this.#others) bundle.push({ type, count });
    if (this.#memory === 0n) return bundle;
    const bytes = bytesOf(this.#memory, this.#written ?? '');
    const place = this.#memoryPlaces[0]!;
    if (bytes === null) throw wrong(place, 'is more memory than can be asked for');
    bundle.push({ type: 'memory', count: bytes.amount, unit: bytes.unit });
    for (const each of this.#memoryPlaces) {
      const became = `${bytes.amount} ${bytes.unit} in each pod`;
      if (bytes.rounded) report.narrowed(each.node.at, each.path, became, 'rounded up');
      else report.kept(each.node.at, each.path, became);
    }
    return bundle;
  }
}
