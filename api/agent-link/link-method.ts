import type { Static, TSchema } from "typebox";

/**
 * A method of the agent link as data: both sides check bodies against it. `stream: true`: the answer is followed by bytes in both directions, with flow
 * control. Sizes are of the JSON text, in bytes.
 */
export type LinkMethod<Q extends TSchema = TSchema, A extends TSchema = TSchema> = Readonly<{
  name: string;
  stream: boolean;
  request: Q;
  answer: A;
  mostRequestBytes: number;
  mostAnswerBytes: number;
}>;

export type LinkRequest<M> = M extends LinkMethod<infer Q> ? Static<Q> : never;
export type LinkAnswer<M> = M extends LinkMethod<TSchema, infer A> ? Static<A> : never;

const usualBytes = 256 * 1024;

type Sizes = Readonly<{ mostRequestBytes?: number; mostAnswerBytes?: number }>;

/** A method that answers once. */
export function defineCall<Q extends TSchema, A extends TSchema>(
  name: string,
  {
    request,
    answer,
    mostRequestBytes = usualBytes,
    mostAnswerBytes = usualBytes,
  }: Readonly<{ request: Q; answer: A }> & Sizes,
): LinkMethod<Q, A> & Readonly<{ stream: false }> {
  return { name, stream: false, request, answer, mostRequestBytes, mostAnswerBytes };
}

/** A method whose answer is followed by bytes in both directions. */
export function defineStream<Q extends TSchema, A extends TSchema>(
  name: string,
  {
    request,
    answer,
    mostRequestBytes = usualBytes,
    mostAnswerBytes = usualBytes,
  }: Readonly<{ request: Q; answer: A }> & Sizes,
): LinkMethod<Q, A> & Readonly<{ stream: true }> {
  return { name, stream: true, request, answer, mostRequestBytes, mostAnswerBytes };
}
