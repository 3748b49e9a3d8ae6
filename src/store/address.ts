/** Where a store is: a file, or a PostgreSQL database by its address. */

export function isPostgresAddress(url: string): boolean {
  return /^postgres(ql)?:\/\//i.test(url);
}

/** As it may be shown: an address without its password, and without its parameters, which may hold one as well. */
export function shownAddress(url: string): string {
  if (!isPostgresAddress(url)) return url;
  try {
    const { username, host, pathname } = new URL(url);
    return `postgres://${username === '' ? '' : `${username}@`}${host}${pathname}`;
  } catch {
    return 'postgres://…';
  }
}
