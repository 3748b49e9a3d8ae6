import { describe, expect, test } from 'vitest';
import { baseEnvironment, jobUserNotice, resolveJobUser } from './user.ts';

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

  test('the start says whose; a user of their own is recommended where none was named', () => {
    const nobody = { name: 'nobody', uid: 65534, gid: 65534, home: null, switched: true };
    expect(jobUserNotice(nobody, null)).toMatch(/jobs run as nobody \(uid 65534\), never as root.*--run-as USER$/);
    expect(jobUserNotice({ ...nobody, name: 'jobs', uid: 990 }, 'jobs')).toBe(
      'this agent runs as root: its jobs run as jobs (uid 990), never as root',
    );
    expect(jobUserNotice({ ...nobody, switched: false }, null)).toBeNull();
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
