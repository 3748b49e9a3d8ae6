/**
 * What a job says besides resources and tasks: duration, directory, environment, constraints, parameters, image.
 * RFC 14 keeps these under `attributes.system` (and `user`), nextgen directly under `attributes`; both are read.
 */
import type { Compatibility } from '../image/compatibility.ts';
import { compatibilityAt } from '../image/read.ts';
import { readSlurmTime } from '../translate/slurm/amounts.ts';
import { readConstraint } from './constraint.ts';
import { readDuration } from './duration.ts';
import { NO_ENVIRONMENT, readEnvironment } from './environment.ts';
import type { Environment } from './environment.ts';
import type { Constraint, Jobspec } from './jobspec.ts';
import { child, entries, isNothing, isNull, kindOf, text, wrong } from './place.ts';
import type { Place } from './place.ts';

export interface Attributes extends Environment {
  /** attributes.system.job.name */
  readonly name: string | null;
  readonly walltime: number | null;
  /** As sbatch writes it: attributes.rainbow.slurm.time-min. */
  readonly timeMin: string | null;
  readonly cwd: string | null;
  readonly constraint: Constraint | null;
  readonly parameters: Jobspec['parameters'];
  readonly image: string | null;
  /** What the image needs. */
  readonly needs: Compatibility | null;
  readonly queue: string | null;
  readonly allowLossy: boolean;
}

const NONE: Attributes = {
  ...NO_ENVIRONMENT,
  name: null,
  walltime: null,
  timeMin: null,
  cwd: null,
  constraint: null,
  parameters: {},
  image: null,
  needs: null,
  queue: null,
  allowLossy: false,
};

export function readAttributes(document: Place): Attributes {
  const attributes = child(document, 'attributes');
  if (attributes === null || isNothing(attributes)) return NONE;
  const system = child(attributes, 'system');
  const user = child(attributes, 'user');
  const find = (key: string): Place | null => (system === null ? null : child(system, key)) ?? child(attributes, key);
  const duration = find('duration');
  const cwd = find('cwd');
  const constraint = find('constraints');
  const image = find('image') ?? (user !== null && user.node.kind === 'map' ? child(user, 'image') : null);
  const compatibility = find('compatibility');
  const rainbow = child(attributes, 'rainbow');
  const slurm = rainbow?.node.kind === 'map' ? child(rainbow, 'slurm') : null;
  // Only a native scheduler knows banks; that it is one is seen here, with its place.
  nativeWord(system, 'bank');
  return {
    ...readEnvironment(find('environment')),
    name: readName(system),
    walltime: duration === null ? null : readDuration(duration),
    timeMin: scalarAt(slurm, 'time-min')?.text ?? null,
    cwd: cwd === null ? null : readDirectory(cwd),
    constraint: constraint === null ? null : readConstraint(constraint),
    parameters: readParameters(child(attributes, 'parameter')),
    image: image === null ? null : readImage(image),
    needs: compatibility === null ? null : compatibilityAt(compatibility),
    queue: nativeWord(system, 'queue'),
    allowLossy: scalarAt(rainbow, 'allowLossy')?.value === true,
  };
}

/** What does not read, or is no less than the walltime, Slurm itself has to judge. */
export function leastTime({ timeMin }: Attributes, walltime: number | null): number | null {
  const seconds = timeMin === null ? null : readSlurmTime(timeMin);
  return typeof seconds === 'number' && walltime !== null && seconds < walltime ? seconds : null;
}

/** Null where it is not there, or no scalar: then it is for whoever knows what it means. */
function scalarAt(place: Place | null, key: string): Extract<Place['node'], { kind: 'scalar' }> | null {
  const found = place === null || place.node.kind !== 'map' ? null : child(place, key);
  return found?.node.kind === 'scalar' ? found.node : null;
}

/** Of a word that a native scheduler takes: what is no text there cannot be dropped without a word. */
function nativeWord(system: Place | null, key: string): string | null {
  const place = system === null || system.node.kind !== 'map' ? null : child(system, key);
  if (place?.node.kind === 'scalar') return place.node.text || null;
  if (place !== null && !isNothing(place)) throw wrong(place, `must be a name, as text, not ${kindOf(place)}`);
  return null;
}

function readName(system: Place | null): string | null {
  const job = system === null ? null : child(system, 'job');
  const name = job === null ? null : child(job, 'name');
  return name === null ? null : text(name);
}

function readDirectory(place: Place): string {
  const directory = text(place);
  if (directory === '' || directory.includes('\0')) throw wrong(place, `must be a directory, not ${kindOf(place)}`);
  return directory;
}

function readImage(place: Place): string {
  const image = text(place);
  if (!/^[\x21-\x7e]{1,512}$/.test(image)) throw wrong(place, `must be an OCI reference, not ${kindOf(place)}`);
  return image;
}

function readParameters(place: Place | null): Jobspec['parameters'] {
  if (place === null) return {};
  const parameters: Record<string, number | string | boolean> = Object.create(null);
  for (const [key, each] of entries(place)) {
    if (isNull(each)) continue;
    const value = each.node.kind === 'scalar' ? each.node.value : null;
    if (value === null || (typeof value === 'number' && !Number.isFinite(value))) {
      throw wrong(each, `a parameter is a number, a text, true or false, not ${kindOf(each)}`);
    }
    parameters[key] = value;
  }
  return parameters;
}
