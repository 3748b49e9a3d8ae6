/**
 * Configuration files: the client's (the prototype's format) and the server's own. What counts where several say
 * something: flag over environment over file over default.
 */
export {
  clientConfigOf,
  emptyClientConfig,
  initialClientConfig,
  readClientConfig,
  writeClientConfig,
  type ClientConfig,
  type Credential,
} from './client.ts';
export { readServerSettings, serverSettingsOf, type ServerSettings } from './server.ts';

/** The first that says something: of flag, environment, file, default, in this order. '' says nothing. */
export function firstGiven<T>(...said: readonly (T | null | undefined)[]): T | undefined {
  for (const each of said) {
    if (each !== undefined && each !== null && each !== '') return each;
  }
  return undefined;
}
