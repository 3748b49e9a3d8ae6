import { expect, test } from 'vitest';
import { isPostgresAddress, shownAddress } from './address.ts';

test('a file and an address are told apart', () => {
  for (const url of ['postgres://h/d', 'postgresql://h/d', 'POSTGRES://h/d']) expect(isPostgresAddress(url)).toBe(true);
  for (const url of [':memory:', 'rainbow.db', '/var/postgres', 'postgres', './postgres:x']) {
    expect(isPostgresAddress(url)).toBe(false);
    expect(shownAddress(url)).toBe(url);
  }
});

test('no password is shown, wherever it stands and whatever it holds', () => {
  const shown = {
    'postgres://ada:hunter2@db:5432/rainbow': 'postgres://ada@db:5432/rainbow',
    'postgresql://ada:hunter2@db/rainbow?sslmode=require': 'postgres://ada@db/rainbow',
    'postgres://db/rainbow?user=ada&password=hunter2': 'postgres://db/rainbow',
    'postgres:///rainbow?host=/run/postgresql&password=hunter2': 'postgres:///rainbow',
    'postgres://ada:hun@ter2:x@db/rainbow': 'postgres://ada@db/rainbow',
    'postgres://ada:hunter2?@db/rainbow': 'postgres://…',
    'postgres://ada:hunter2#@db/rainbow': 'postgres://…',
    'postgres://ada:hunter2/@db/rainbow': 'postgres://…',
  };
  for (const [address, text] of Object.entries(shown)) {
    expect(shownAddress(address)).toBe(text);
    expect(shownAddress(address)).not.toMatch(/hunter|ter2/);
  }
});
