/**
 * Who refers to an image: the referrers API, its pages followed; where the registry does not know the API, the tag
 * `sha256-<hex>`. What does not fit is left out, whatever the registry says it filtered.
 */
import { expectOk, get, descriptorOf, MOST_MANIFEST_BYTES, type Descriptor, type Finding } from './contents.ts';
import { FetchError } from './http.ts';
import { jsonOf } from './registry.ts';

/** What artifacts say they are, those that are looked for first in front. */
export const ARTIFACT_TYPES: readonly string[] = [
  'application/vnd.nfd.image-compatibility.v1alpha1',
  'application/vnd.k8s.nfd.image-compatibility.v1',
  'application/vnd.oci.image.compatibilities.v1+json',
  'application/org.compspec',
  'application/org.supercontainers.compspec',
];

const INDEX = 'application/vnd.oci.image.index.v1+json';

const MOST_PAGES = 20;
const MOST_REFERRERS = 5_000;

export async function referrers(finding: Finding, subject: string): Promise<readonly Descriptor[]> {
  for (const type of ARTIFACT_TYPES) {
    const answered = await byApi(finding, subject, type);
    if (answered === null) return byTag(finding, subject);
    const fitting = answered.descriptors.filter(({ artifactType }) => ARTIFACT_TYPES.includes(artifactType));
    const ofType = fitting.filter(({ artifactType }) => artifactType === type);
    // One that did not filter has told about all kinds at once.
    if (!answered.filtered) return fitting;
    if (ofType.length > 0) return ofType;
  }
  return [];
}

interface Listed {
  readonly descriptors: readonly Descriptor[];
  readonly filtered: boolean;
}

/** Null where the registry does not know the call. */
async function byApi(finding: Finding, subject: string, type: string): Promise<Listed | null> {
  const { registry, repository } = finding;
  const descriptors: Descriptor[] = [];
  let filtered = true;
  let path = `/v2/${repository}/referrers/${subject}?artifactType=${encodeURIComponent(type)}`;
  for (let page = 1; ; page++) {
    const answer = await registry.get(path, { accept: INDEX, most: MOST_MANIFEST_BYTES, signal: finding.signal });
    if (page === 1 && (answer.status === 404 || answer.status === 405)) return null;
    expectOk(finding, answer, `the referrers of ${subject}`);
    // Something else than an index: a page of a server that knows no such call.
    if (page === 1 && !(answer.headers['content-type'] ?? '').includes('json')) return null;
    const filters = answer.headers['oci-filters-applied'] ?? '';
    filtered &&= filters.split(',').some((each) => each.trim().toLowerCase() === 'artifacttype');
    descriptors.push(...descriptorsOf(jsonOf(answer.body, `the referrers of ${subject}`)));
    const next = nextOf(answer.headers['link'] ?? '');
    if (next === null) return { descriptors, filtered };
    if (page === MOST_PAGES || descriptors.length > MOST_REFERRERS) {
      throw new FetchError(`${registry.name} lists more than ${MOST_PAGES} pages of what refers to ${subject}`);
    }
    path = nextPath(finding, path, next);
  }
}

/** On the same registry, and about the same repository. */
function nextPath({ registry, repository }: Finding, path: string, next: string): string {
  const base = `http://registry.invalid`;
  const url = URL.canParse(next, base + path) ? new URL(next, base + path) : null;
  const isOwn = url !== null && (next.startsWith('/') || url.origin === base || /^https?:/.test(next));
  if (!isOwn || !url.pathname.startsWith(`/v2/${repository}/referrers/`)) {
    throw new FetchError(`${registry.name} gives a next page that is none of its own`);
  }
  // An absolute address stays one: the client refuses another host.
  return url.origin === base ? url.pathname + url.search : next;
}

/** RFC 8288: the target of rel="next". */
function nextOf(header: string): string | null {
  for (const part of header.split(/,\s*(?=<)/)) {
    const found = /^\s*<([^>]*)>\s*;(.*)$/.exec(part);
    if (found !== null && /(?:^|;)\s*rel\s*=\s*"?next"?/i.test(found[2] ?? '')) return found[1] ?? null;
  }
  return null;
}

async function byTag(finding: Finding, subject: string): Promise<readonly Descriptor[]> {
  const tag = subject.replace(':', '-').slice(0, 128);
  const answer = await get(finding, 'manifests', tag, INDEX, MOST_MANIFEST_BYTES);
  if (answer.status === 404) return [];
  expectOk(finding, answer, `the tag ${tag}`);
  const listed = descriptorsOf(jsonOf(answer.body, `the tag ${tag}`));
  return listed.filter(({ artifactType }) => ARTIFACT_TYPES.includes(artifactType)).slice(0, MOST_REFERRERS);
}

function descriptorsOf(index: Readonly<Record<string, unknown>>): Descriptor[] {
  const list = index['manifests'];
  if (!Array.isArray(list)) throw new FetchError('the list of referrers is no index of manifests');
  return (list as readonly unknown[]).flatMap((each) => descriptorOf(each) ?? []);
}
