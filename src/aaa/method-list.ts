/** What a method says to a question. */
export type Answer<T> =
  | { readonly kind: 'pass'; readonly value: T }
  /** No, and no other method is asked: FAIL, FOLLOW, Reject. */
  | {
      readonly kind: 'refuse';
      readonly reason: string;
      /** True where the refusal says nothing about the question: the method has too much to do. It does not count against whoever asked. */
      readonly busy?: boolean | undefined;
    }
  /** The method cannot say: it does not know the user, a server did not answer or answered garbage. The next one is asked. */
  | { readonly kind: 'error'; readonly reason: string };

/** One entry of a method list. */
export interface Method<Q, T> {
  /** `local`, `group tacacs+`, `none`: for records and messages. */
  readonly name: string;
  /** Whether the method can judge such a question at all. One that cannot is passed over. Default: it can. */
  judges?(question: Q): boolean;
  /** May throw, which counts as an error. Has to give up when the signal aborts. */
  ask(question: Q, options: { readonly signal: AbortSignal }): Promise<Answer<T>>;
}

/** What came of asking a list. Only `passed` lets anybody do anything. */
export type Outcome<T> =
  | { readonly kind: 'passed'; readonly method: string; readonly value: T }
  | { readonly kind: 'refused'; readonly method: string; readonly reason: string; readonly busy: boolean }
  /** No method could say. */
  | { readonly kind: 'undecided'; readonly reason: string };

export interface AskOptions<T> {
  /** Whether what a method gave can be used. What cannot counts as an error of the method. */
  readonly isValid: (value: T) => boolean;
  readonly signal: AbortSignal;
  /** How long one method may take, in milliseconds. Default {@link METHOD_TIMEOUT_MS}. */
  readonly timeoutMs?: number | undefined;
}

/** A group of servers has its own, shorter times; this one is for a method that never answers at all. Milliseconds. */
export const METHOD_TIMEOUT_MS = 60_000;

/**
 * Asks the methods in order, as Cisco's method lists do: the first that passes or refuses decides, one that cannot say leaves it to the next, and where none can say the answer is no.
 *
 * @throws `signal.reason` once the signal is aborted.
 */
export async function askMethods<Q, T>(
  methods: readonly Method<Q, T>[],
  question: Q,
  options: AskOptions<T>,
): Promise<Outcome<T>> {
  const errors: string[] = [];
  for (const method of methods) {
    options.signal.throwIfAborted();
    const answer = await askOne(method, question, options);
    options.signal.throwIfAborted();
    if (answer === undefined) continue;
    switch (answer.kind) {
      case 'pass':
        return { kind: 'passed', method: method.name, value: answer.value };
      case 'refuse':
        return { kind: 'refused', method: method.name, reason: answer.reason, busy: answer.busy === true };
      case 'error':
        errors.push(`${method.name}: ${answer.reason}`);
        break;
      default:
        answer satisfies never;
    }
  }
  return { kind: 'undecided', reason: errors.length === 0 ? 'no method can judge this' : errors.join('; ') };
}

/** One method's answer; undefined where it does not judge such questions. Rejects only where the signal aborts. */
async function askOne<Q, T>(
  method: Method<Q, T>,
  question: Q,
  { isValid, signal, timeoutMs = METHOD_TIMEOUT_MS }: AskOptions<T>,
): Promise<Answer<T> | undefined> {
  const limited = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => limited.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const gaveUp = new Promise<never>((_, reject) => {
    limited.signal.addEventListener('abort', () => reject(limited.signal.reason as Error), { once: true });
    timer = setTimeout(() => limited.abort(new Error('no answer in time')), timeoutMs);
  });
  gaveUp.catch(() => {});
  try {
    if (method.judges !== undefined && method.judges(question) !== true) return undefined;
    const answer: unknown = await Promise.race([method.ask(question, { signal: limited.signal }), gaveUp]);
    return checked(answer, isValid);
  } catch (error) {
    return { kind: 'error', reason: error instanceof Error ? error.message : 'failed' };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    // What is still being asked in vain is told so.
    limited.abort(new Error('not needed any more'));
  }
}

/** The answer, if it is one. A method may be anybody's code, and what is not a clear yes must not pass for one. */
function checked<T>(answer: unknown, isValid: (value: T) => boolean): Answer<T> {
  if (typeof answer !== 'object' || answer === null) return { kind: 'error', reason: 'gave no answer' };
  const { kind, value, reason, busy } = answer as Partial<Record<'kind' | 'value' | 'reason' | 'busy', unknown>>;
  const why = typeof reason === 'string' ? reason : 'no reason given';
  if (kind === 'refuse') return { kind, reason: why, busy: busy === true };
  if (kind === 'error') return { kind, reason: why };
  if (kind !== 'pass') return { kind: 'error', reason: 'gave an answer of no known kind' };
  if (!isValid(value as T)) return { kind: 'error', reason: 'gave an answer that makes no sense' };
  return { kind, value: value as T };
}
