/** Answers that many callers get: encoded once, for whoever is the first. */
import { create, toBinary, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';

/** Null until somebody has been answered with it. Nobody changes such a message. */
const encoded = new WeakMap<object, Buffer | null>();

export function sharedAnswer<D extends DescMessage>(schema: D, answer: MessageInitShape<D>): MessageShape<D> {
  const message = create(schema, answer);
  encoded.set(message, null);
  return message;
}

export function encodeAnswer(schema: DescMessage, answer: object): Buffer {
  const known = encoded.get(answer);
  if (known !== undefined && known !== null) return known;
  const bytes = toBinary(schema, create(schema, answer as Record<string, unknown>));
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (known === null) encoded.set(answer, buffer);
  return buffer;
}
