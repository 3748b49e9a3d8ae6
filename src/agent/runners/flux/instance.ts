/** Which instance answers, and whether it is ours: its broker's id (new with each start of that broker), its owner. */
import { failed, type Flux } from './commands.ts';

export interface Instance {
  /** '' where that Flux has none. */
  readonly id: string;
  /** Its owner may raise urgencies, and follow the journal. */
  readonly isOwner: boolean;
}

/** Throws `unavailable` where it is away. */
export async function askInstance(flux: Flux, uid: number): Promise<Instance> {
  const [id, owner] = await Promise.all([attribute(flux, 'broker.uuid'), attribute(flux, 'security.owner')]);
  return { id, isOwner: owner === String(uid) };
}

async function attribute(flux: Flux, name: string): Promise<string> {
  const answer = await flux.ask(['getattr', name]);
  if (answer.code === 0) return answer.stdout.trim();
  const error = failed('flux getattr', answer);
  if (error.code === 'unavailable' && !answer.stderr.includes(`${name}: No such file`)) throw error;
  return '';
}
