// Editing messages: what was not touched stays as it was, to the byte.
import type { Message } from "./shapes";

export interface Turn {
  role: string;
  content: string;
  /** the message it was made from */
  from: Message | null;
}

/** A text as a field of the page holds it: browsers turn line ends into \n. */
const fielded = (text: string): string => text.replace(/\r\n?/g, "\n");

export function turns(messages: readonly Message[]): Turn[] {
  return messages.map((from) => ({ role: from.role, content: fielded(from.content ?? ""), from }));
}

/** The messages as they are now, with everything that cannot be edited. */
export function edited(list: readonly Turn[]): Partial<Message>[] {
  return list.map(({ role, content, from }) => {
    const same = from !== null && content === fielded(from.content ?? "");
    const rest = Object.fromEntries(Object.entries(from ?? {}).filter(([, value]) => value !== null && value !== undefined));
    return { ...rest, role, content: same ? from.content : content };
  });
}

/** Whether anything was changed. */
export function differs(list: readonly Turn[], messages: readonly Message[]): boolean {
  return list.length !== messages.length || list.some((turn, k) => turn.from !== messages[k] || turn.role !== messages[k]!.role || turn.content !== fielded(messages[k]!.content ?? ""));
}
