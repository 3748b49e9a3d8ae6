/**
 * Files that a job names: its program, the script that an interpreter is given, its `--input`. Where files go along, the
 * job begins with those alone, so a relative name that is not among them is an error before anything is sent. Elsewhere
 * the cluster may have what is not here, and need not have what is: then it is only said.
 */
import { stat } from 'node:fs/promises';
import { RainbowError } from '../core/errors.ts';
import { readJobspec } from '../core/jobspec/read.ts';
import { Attributes, isMap } from '../core/translate/attributes.ts';
import { carried } from '../core/translate/carrier.ts';
import { STDIN } from '../core/translate/slurm/read.ts';
import type { SubmitOptions } from './submit-options.ts';
import type { Invocation } from './invocation.ts';
import { clean } from './paint.ts';
import type { FoundFile } from './staged-files.ts';
import type { SubmitRequest } from './submit-requests.ts';

interface NamedFile {
  readonly path: string;
  /** `--input=in.dat`, `python3 train.py` */
  readonly what: string;
  /** Where it says so. */
  readonly place: string;
}

const INTERPRETERS = /^(?:.*\/)?(?:ba|da|z|k)?sh$|^(?:.*\/)?(?:python[\d.]*|perl|ruby|node|julia|Rscript|tclsh|lua)$/;

/** Throws `not_found` with all names that are surely missing, each with its line. */
export async function checkNamed(
  { io }: Pick<Invocation, 'io'>,
  options: Pick<SubmitOptions, 'batch' | 'jobspec' | 'kubernetes' | 'stageIn'>,
  requests: readonly SubmitRequest[],
  found: readonly FoundFile[],
): Promise<void> {
  const file = options.batch ?? options.kubernetes ?? options.jobspec ?? '';
  const along = (options.stageIn ?? []).length > 0 ? new Set(found.map(({ path }) => path)) : null;
  const missing: string[] = [];
  /** One line for all of many jobs that name the same. */
  const notes = new Set<string>();
  for (const request of requests) {
    const { names, programs, hasFolder } = namesIn(request, file === '-' ? 'standard input' : file);
    for (const { path, what, place } of names) {
      const says = `${place === '' ? '' : `${place}: `}${what}`;
      const isRelative = !path.startsWith('/');
      const inside = path.replace(/^(\.\/+)+/, '').replace(/\/\/+/g, '/');
      if (along !== null && isRelative && !hasFolder) {
        if (!along.has(inside))
          missing.push(
            `${says}: ${path} is not among the files that go along (--stage-in), and the job begins with those alone`,
          );
      } else if (!(await isThere(path))) {
        const where = isRelative ? 'where the job begins' : 'there';
        notes.add(`${says}: there is no ${path} here; the cluster must have it ${where}, or --stage-in sends it along`);
      } else if (isRelative && !hasFolder) {
        notes.add(
          `${says}: ${path} is here and does not go along; the cluster must have it where the job begins, or --stage-in ${path} sends it along`,
        );
      }
    }
    for (const program of hasFolder ? [] : programs) {
      if (along?.has(program) !== true) continue;
      notes.add(
        `${program} goes along, but a program without a slash is looked for in the PATH of the cluster: ./${program} means the file that goes along`,
      );
    }
  }
  for (const note of notes) io.stderr.write(`${clean(note)}\n`);
  if (missing.length > 0)
    throw new RainbowError('not_found', `nothing was submitted:${missing.map((each) => `\n  ${each}`).join('')}`);
}

function namesIn(
  { jobspec, lines }: SubmitRequest,
  file: string,
): {
  readonly names: readonly NamedFile[];
  /** Without a folder. */
  readonly programs: readonly string[];
  readonly hasFolder: boolean;
} {
  let read: ReturnType<typeof readJobspec>;
  try {
    read = readJobspec(jobspec);
  } catch (error) {
    // The server says what is wrong with it.
    if (error instanceof RainbowError) return { names: [], programs: [], hasFolder: true };
    throw error;
  }
  const names: NamedFile[] = [];
  const programs: string[] = [];
  const stdin = new Attributes(jobspec).peek('system', 'shell', 'options', 'input', 'stdin');
  const path = isMap(stdin) && stdin['type'] === 'file' ? stdin['path'] : null;
  if (typeof path === 'string' && path !== '' && path !== '/dev/null' && !path.includes('{{')) {
    const said = lines.find(({ became }) => became === STDIN);
    const at = said === undefined || said.line === null ? file : `${file}:${said.line}:${said.column ?? 1}`;
    names.push({ path, what: said?.what ?? 'its standard input', place: at });
  }
  for (const { command } of read.tasks) {
    // A script travels inside its command.
    if (carried(command) !== null) continue;
    const [program = '', ...args] = command;
    if (program.includes('/') && !program.startsWith('/')) names.push({ path: program, what: program, place: file });
    if (!program.includes('/')) programs.push(program);
    const script = INTERPRETERS.test(program) ? scriptOf(args) : null;
    if (script !== null) names.push({ path: script, what: `${program} ${script}`, place: file });
  }
  return { names, programs, hasFolder: read.cwd !== null };
}

/** The first argument that is no option; null where code is given, or a module, or it is read from elsewhere. */
function scriptOf(args: readonly string[]): string | null {
  const [first] = args;
  return first === undefined || first === '' || first.startsWith('-') ? null : first;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
