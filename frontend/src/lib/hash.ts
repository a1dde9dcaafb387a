// The address after `#`: which room, and what is looked at there. Everything a person would want to send to a colleague.

export interface Place {
  room: string;
  /** parameters, in order; never empty ones */
  query: Record<string, string>;
}

/** `#/rows?q=refund` → {room: "rows", query: {q: "refund"}} */
export function parse(hash: string): Place {
  const text = hash.replace(/^#\/?/, "");
  const cut = text.indexOf("?");
  const room = decode(cut < 0 ? text : text.slice(0, cut));
  const query: Record<string, string> = {};
  if (cut >= 0) for (const [name, value] of new URLSearchParams(text.slice(cut + 1))) if (value) query[name] = value;
  return { room, query };
}

export function format({ room, query }: Place): string {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) found.set(name, value);
  const rest = found.toString();
  return `#/${encodeURIComponent(room)}${rest ? `?${rest}` : ""}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
