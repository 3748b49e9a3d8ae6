/** The keys of the server's settings file. What they mean is said in docs/server.md; server.ts turns them into settings. */
import { z } from 'zod';

const words = z.string().min(1);
const seconds = z
  .number()
  .positive()
  .max(2 ** 31 - 1);
const whole = z
  .int()
  .positive()
  .max(2 ** 31 - 1);

const bytes = z.int().positive().max(Number.MAX_SAFE_INTEGER);

const HOST_PORT = /^[A-Za-z0-9.:[\]-]+$/;
const HOST_PATTERN = /^(?:\*\.)?[A-Za-z0-9.:[\]-]+$/;

/** Every key there is, and what it may be; limits are said where a value beyond them would mean nothing. */
export const serverSchema = z.strictObject({
  host: words.optional(),
  db: words.optional(),
  name: words.optional(),
  secret: words.optional(),
  globalToken: words.optional(),
  tls: z
    .strictObject({ ca: words.optional(), cert: words, key: words, requireClientCertificate: z.boolean().optional() })
    .optional(),
  selection: z
    .strictObject({
      name: words.optional(),
      options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
      clientOverride: z
        .union([z.enum(['allow', 'deny']), z.array(words).min(1)], {
          error: 'must be allow, deny, or a list of policies',
        })
        .optional(),
    })
    .optional(),
  policies: z.record(words, words).optional(),
  bids: z
    .strictObject({
      ask: z.enum(['auto', 'always', 'never']).optional(),
      withinMs: z.number().min(0).max(60_000).optional(),
      reuseMs: z.number().min(0).max(300_000).optional(),
      rebid: z
        .strictObject({
          enabled: z.boolean().optional(),
          everySeconds: seconds.optional(),
          betterBy: z.number().min(0).max(1).optional(),
          leastSeconds: z.number().min(0).optional(),
          restSeconds: z.number().min(0).optional(),
        })
        .optional(),
      shadow: z
        .strictObject({
          name: words,
          options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
        })
        .optional(),
    })
    .optional(),
  match: z.strictObject({ budget: whole.optional() }).optional(),
  overcommit: z.enum(['queue', 'deny']).optional(),
  limits: z
    .strictObject({ messageBytes: whole.min(65_536).optional(), submitsPerSecond: z.number().positive().optional() })
    .optional(),
  lease: z.strictObject({ pollSeconds: seconds.optional(), graceSeconds: z.number().min(0).optional() }).optional(),
  walltimeDefaultSeconds: seconds.optional(),
  retention: z
    .strictObject({
      days: z.number().positive().max(36_500).optional(),
      count: whole.optional(),
      everySeconds: seconds.optional(),
    })
    .optional(),
  leftAfterSeconds: seconds.optional(),
  outputCapMaxBytes: whole.optional(),
  outputCapBytes: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .optional(),
  files: z
    .strictObject({
      maxFiles: whole.max(100_000).optional(),
      maxBytes: bytes.optional(),
      maxFileBytes: bytes.optional(),
      quotaBytes: bytes.optional(),
      unusedBytes: bytes.optional(),
      keepUnusedHours: z.number().min(1).max(8_784).optional(),
    })
    .optional(),
  images: z
    .strictObject({
      registries: z
        .record(
          z.string().regex(/^[a-z0-9.:[\]-]+$/, 'a registry is HOST or HOST:PORT, in lower case'),
          z.strictObject({
            endpoint: z.string().regex(HOST_PORT, 'an endpoint is HOST or HOST:PORT').optional(),
            hosts: z.array(z.string().regex(HOST_PATTERN, 'a host is HOST, HOST:PORT or *.DOMAIN')).max(100).optional(),
            plainHttp: z.boolean().optional(),
            privateNetwork: z.boolean().optional(),
            username: words.optional(),
            password: words.optional(),
            ca: words.optional(),
          }),
        )
        .optional(),
      onError: z.enum(['fail', 'warn']).optional(),
      timeoutSeconds: z.number().positive().max(600).optional(),
      keepSeconds: z.number().min(0).max(86_400).optional(),
      manifest: words.optional(),
      platform: z
        .string()
        .regex(/^[a-z0-9]+\/[a-z0-9]+$/, 'a platform is OS/ARCHITECTURE, as in linux/amd64')
        .optional(),
    })
    .optional(),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).optional(),
});
