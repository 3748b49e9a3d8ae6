/**
 * A script inside a command. Whoever runs the jobspec needs to know nothing of files: the command is a shell with a
 * few fixed lines, and the script follows as its arguments. Those lines write the script to a folder of its own and
 * start the interpreter that its first line names, as the kernel would (but it works on a `noexec` file system too).
 *
 * The script is cut into pieces because Linux takes at most 128 KiB in one argument. Limit: 256 KiB in all.
 * Where the job has a folder that goes when it goes (Rainbow's process runner, Flux, a container), the shell becomes
 * the interpreter; elsewhere it stays to remove the folder, and leaves with the script's own status.
 */
import { invalid } from '../errors.ts';
import { spotAt } from './text.ts';

export const MOST_SCRIPT = 256 * 1024;
/** UTF-16 units: at most three bytes each. */
const PIECE = 30_000;
const SHELL = '/bin/sh';

/** Arguments: the interpreter, its one option or '', the number of pieces, the pieces, what the script is given. */
export const CARRIER = String.raw`rb_program=$1 rb_option=$2 rb_pieces=$3
shift 3
rb_place=${'$'}{RAINBOW_JOB_DIR:-${'$'}{FLUX_JOB_TMPDIR:-}}
rb_kept=$rb_place$KUBERNETES_SERVICE_HOST
rb_folder=$(mktemp -d "${'$'}{rb_place:-${'$'}{TMPDIR:-/tmp}}/batch.XXXXXXXXXX") || exit 126
rb_script=$rb_folder/$0
while [ "$rb_pieces" -gt 0 ]; do
  printf %s "$1" >>"$rb_script" || exit 126
  shift
  rb_pieces=$((rb_pieces - 1))
done
chmod 700 "$rb_script"
set -- "$rb_program" ${'$'}{rb_option:+"$rb_option"} "$rb_script" "$@"
if [ -n "$rb_kept" ]; then exec "$@"; fi
trap : HUP INT QUIT TERM USR1 USR2
"$@"
rb_status=$?
rm -rf "$rb_folder"
exit "$rb_status"
`;

/**
 * Arguments: the number of pieces and of words before the script, the pieces, those words, what the script is given. A job
 * may have a search path that is for its image alone.
 */
const WITHIN = String.raw`rb_pieces=$1 rb_before=$2
shift 2
rb_folder=$(PATH=/usr/bin:/bin:$PATH mktemp -d "$RAINBOW_JOB_DIR/batch.XXXXXXXXXX") || exit 126
rb_script=$rb_folder/$0
while [ "$rb_pieces" -gt 0 ]; do
  printf %s "$1" >>"$rb_script" || exit 126
  shift
  rb_pieces=$((rb_pieces - 1))
done
PATH=/usr/bin:/bin:$PATH chmod 700 "$rb_script"
rb_words=$#
while [ "$rb_words" -gt 0 ]; do
  [ "$rb_before" -ne 0 ] || set -- "$@" "$rb_script"
  set -- "$@" "$1"
  shift
  rb_words=$((rb_words - 1)) rb_before=$((rb_before - 1))
done
[ "$rb_before" -ne 0 ] || set -- "$@" "$rb_script"
exec "$@"
`;

export interface Carried {
  readonly script: string;
  /** The file's name, as the script sees it in `$0`. */
  readonly name: string;
  readonly args: readonly string[];
}

/** The command that runs `script`. Throws `invalid_input` (line and column) where it is no script that can be run. */
export function carry({ script, name, args }: Carried): readonly string[] {
  const { interpreter, option } = readShebang(script);
  const nul = script.indexOf('\0');
  if (nul >= 0) throw wrongAt(script, nul, 'a NUL character: a batch script is text');
  const pieces: string[] = [];
  for (let from = 0; from < script.length;) {
    let to = Math.min(from + PIECE, script.length);
    const last = script.charCodeAt(to - 1);
    if (to < script.length && last >= 0xd800 && last < 0xdc00) to -= 1;
    pieces.push(script.slice(from, to));
    from = to;
  }
  return [SHELL, '-c', CARRIER, safeName(name), interpreter, option, String(pieces.length), ...pieces, ...args];
}

/** The script that a command carries; null where it carries none. */
export function carried(command: readonly string[]): Carried | null {
  const [shell, flag, lines, name, , , count, ...rest] = command;
  if (shell !== SHELL || flag !== '-c' || lines !== CARRIER || name === undefined) return null;
  const pieces = Number(count);
  if (!Number.isInteger(pieces) || pieces < 1 || pieces > rest.length) return null;
  return { script: rest.slice(0, pieces).join(''), name, args: rest.slice(pieces) };
}

/**
 * The words by which `start` (what starts a container, say) runs the script that `command` carries; null where it carries
 * none. The script becomes a file of the job's own folder outside, so inside nothing but its interpreter is needed.
 */
export function carriedWithin(start: readonly string[], command: readonly string[]): readonly string[] | null {
  if (carried(command) === null) return null;
  const [shell = '', flag = '', , name = '', interpreter = '', option = '', pieces = '', ...rest] = command;
  const before = [...start, interpreter, ...(option === '' ? [] : [option])];
  const texts = rest.slice(0, Number(pieces));
  return [shell, flag, WITHIN, name, pieces, String(before.length), ...texts, ...before, ...rest.slice(texts.length)];
}

/** As Linux reads it: the interpreter, and all that follows as one option. */
export function readShebang(script: string): { readonly interpreter: string; readonly option: string } {
  const end = script.indexOf('\n');
  const first = script.slice(0, Math.min(end < 0 ? script.length : end, 4096));
  if (first.startsWith('\uFEFF')) throw wrongAt(script, 0, 'a byte order mark: save the script without one');
  if (first.endsWith('\r')) throw wrongAt(script, first.length - 1, 'DOS line breaks; convert them with dos2unix');
  const found = /^#![ \t]*([^ \t]+)(?:[ \t]+(.*?))?[ \t]*$/.exec(first);
  if (found === null) {
    throw wrongAt(
      script,
      0,
      'this is no batch script: its first line must be #! and an interpreter, as in #!/bin/bash',
    );
  }
  const interpreter = found[1]!;
  if (!interpreter.startsWith('/')) {
    throw wrongAt(script, first.indexOf(interpreter), 'the interpreter must be a whole path, as in #!/bin/bash');
  }
  return { interpreter, option: found[2] ?? '' };
}

/** Refuses DOS line breaks, on which shells stumble and which sbatch refuses too. */
export function checkLineBreaks(script: string): void {
  const at = script.indexOf('\r\n');
  if (at >= 0) throw wrongAt(script, at, 'DOS line breaks; convert them with dos2unix');
}

function wrongAt(script: string, offset: number, message: string): Error {
  const { line, column } = spotAt(script, offset);
  return invalid(`line ${line}, column ${column}`, message);
}

/** The last part of a path, for a file of our own. */
function safeName(name: string): string {
  const base = name
    .slice(name.lastIndexOf('/') + 1)
    .replaceAll(/[^\w.+@%=:,-]/g, '_')
    .slice(0, 100);
  return base === '' || base.startsWith('-') || /^\.+$/.test(base) ? 'script' : base;
}
