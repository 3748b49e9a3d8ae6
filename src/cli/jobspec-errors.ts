/** Errors about a jobspec that came from a file: the server knows only its text. */
import { RainbowError } from '../core/errors.ts';

/** `work`; an error of it that is about the jobspec names the file. `file`: undefined where there is none, - for standard input. */
export async function namingFile<T>(file: string | undefined, jobspec: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (file === undefined || !(error instanceof RainbowError) || error.code !== 'invalid_input') throw error;
    const { readJobspec } = await import('../core/jobspec/read.ts');
    try {
      readJobspec(jobspec);
    } catch {
      const place = file === '-' ? 'standard input' : file;
      throw new RainbowError('invalid_input', error.message, { place, cause: error });
    }
    throw error;
  }
}
