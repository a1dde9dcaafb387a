// What a room asks of the server: the answer, the wait, the error, and asking again.

export interface Asking<T> {
  readonly value: T | null;
  readonly error: unknown;
  readonly loading: boolean;
  reload(): Promise<void>;
  put(value: T): void;
}

/** Asks when the component starts, and again whenever what `ask` reads has changed. `ask` may have nothing to ask: null. */
export function asking<T>(ask: () => Promise<T> | null): Asking<T> {
  let value = $state.raw<T | null>(null);
  let error = $state.raw<unknown>(null);
  let loading = $state(false);
  let last = 0;

  async function follow(asked: Promise<T> | null): Promise<void> {
    const mine = ++last;
    if (!asked) {
      value = null;
      loading = false;
      return;
    }
    loading = true;
    try {
      const found = await asked;
      if (mine === last) [value, error] = [found, null];
    } catch (problem) {
      if (mine === last) error = problem;
    } finally {
      if (mine === last) loading = false;
    }
  }

  $effect(() => void follow(ask()));

  return {
    get value() {
      return value;
    },
    get error() {
      return error;
    },
    get loading() {
      return loading;
    },
    reload: () => follow(ask()),
    put: (next) => (value = next),
  };
}
