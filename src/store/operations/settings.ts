/** Facts of the installation, written once. */
import { one, run, type Operation } from './statement.ts';

export function* getSetting(key: string): Operation<string | null> {
  const row = yield* one<{ value: string }>('SELECT value FROM settings WHERE key = ?', key);
  return row?.value ?? null;
}

export function* setSettingOnce(key: string, value: string): Operation<string> {
  yield* run('INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING', key, value);
  return (yield* getSetting(key)) ?? value;
}
