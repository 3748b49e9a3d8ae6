import { describe, expect, test } from 'vitest';
import { baseEnvironment, resolveJobUser } from './user.ts';

describe('whose user', () => {
  test('root never runs a job: nobody does, or whom it names', async () => {
    expect(await resolveJobUser(null, 0)).toMatchObject({ name: 'nobody', switched: true });
    expect((await resolveJobUser(null, 0)).uid).toBeGreaterThan(0);
    expect(await resolveJobUser('daemon', 0)).toMatchObject({ name: 'daemon', switched: true });
    await expect(resolveJobUser('root', 0)).rejects.toThrow(/root never runs a job/);
    await expect(resolveJobUser('no-such-user-here', 0)).rejects.toThrow(/no user no-such-user-here/);
    await expect(resolveJobUser('-u; id', 0)).rejects.toThrow(/no user/);
  });

  test('anybody else runs his jobs himself, and nobody else’s', async () => {
    expect(await resolveJobUser(null, 1000)).toMatchObject({ switched: false });
    await expect(resolveJobUser('somebody-else', 1000)).rejects.toThrow(/only root/);
  });
});

describe('what a job inherits', () => {
  const own = { PATH: '/bin', LANG: 'C.UTF-8', HOME: '/root', TOKEN: 't', RAINBOW_SECRET: 's' };

  test('of the agent’s own user everything but Rainbow’s own variables', () => {
    const user = { name: 'me', uid: 1000, gid: 1000, home: '/home/me', switched: false };
    expect(baseEnvironment(user, own)).toEqual({ PATH: '/bin', LANG: 'C.UTF-8', HOME: '/home/me', TOKEN: 't' });
  });

  test('of root nothing that could be a secret', () => {
    const user = { name: 'nobody', uid: 65534, gid: 65534, home: null, switched: true };
    expect(baseEnvironment(user, own)).toEqual({
      PATH: '/bin',
      LANG: 'C.UTF-8',
      USER: 'nobody',
      LOGNAME: 'nobody',
      SHELL: '/bin/sh',
    });
  });
});
