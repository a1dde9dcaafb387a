// `fetch` and `EventSource` over messages to the page around this frame.

interface Answer {
  id: number;
  status: number;
  kind: string;
  /** the body in base 64 */
  body: string;
}

const SILENCE = 120_000;

let last = 0;
const waiting = new Map<number, (answer: Answer) => void>();

function bytes(text: string): Uint8Array<ArrayBuffer> {
  const raw = atob(text);
  const found = new Uint8Array(raw.length);
  for (let k = 0; k < raw.length; k++) found[k] = raw.charCodeAt(k);
  return found;
}

function ask(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
  const id = ++last;
  const signal = init.signal ?? undefined;
  return new Promise((resolve, reject) => {
    const end = (): void => {
      waiting.delete(id);
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    };
    const stop = (): void => {
      end();
      reject(new DOMException("stopped", "AbortError"));
    };
    const timer = setTimeout(() => {
      end();
      reject(new TypeError("the notebook's Python does not answer; it may be busy with a cell"));
    }, SILENCE);
    if (signal?.aborted) return stop();
    signal?.addEventListener("abort", stop);
    waiting.set(id, (answer) => {
      end();
      resolve(new Response(bytes(answer.body), { status: answer.status, headers: { "content-type": answer.kind } }));
    });
    const body = typeof init.body === "string" ? init.body : null;
    parent.postMessage({ tamis: "ask", id, method: init.method ?? "GET", url: String(input), body }, "*");
  });
}

/** Events of others are not told in a notebook: one person reviews there. */
class Silent extends EventTarget {
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  onmessage: ((event: MessageEvent<string>) => void) | null = null;
  constructor(readonly url: string) {
    super();
    queueMicrotask(() => this.onopen?.());
  }
  close(): void {}
}

export function bridge(): void {
  window.addEventListener("message", (event: MessageEvent<Answer & { tamis?: string }>) => {
    if (event.source === parent && event.data?.tamis === "answer") waiting.get(event.data.id)?.(event.data);
  });
  window.fetch = ask as typeof window.fetch;
  window.EventSource = Silent as unknown as typeof EventSource;
}
