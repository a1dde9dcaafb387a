import { describe, expect, it } from "vitest";
import { withAnswers } from "./desk.svelte";
import { differs, edited, turns } from "./edit";
import { bytes, number, percent, seconds } from "./numbers";
import type { Message } from "./shapes";
import { spanned } from "./spans";
import { and, equals } from "./where";

const message = (role: string, content: string | null, more: Partial<Message> = {}): Message => ({
  role, content, name: null, tool_calls: null, tool_call_id: null, weight: null, ...more,
}); // prettier-ignore

describe("edited messages", () => {
  it("that nobody touched are what they were, line ends too", () => {
    const before = [message("user", "a\r\nb"), message("assistant", null, { tool_calls: "[]" })];
    const list = turns(before);
    expect(list[0]!.content).toBe("a\nb");
    expect(differs(list, before)).toBe(false);
    expect(edited(list)).toEqual([{ role: "user", content: "a\r\nb" }, { role: "assistant", content: null, tool_calls: "[]" }]);
  });

  it("keep what cannot be edited", () => {
    const before = [message("assistant", "x", { weight: 0, name: "bot" })];
    const list = turns(before);
    list[0]!.content = "y";
    expect(differs(list, before)).toBe(true);
    expect(edited(list)).toEqual([{ role: "assistant", content: "y", weight: 0, name: "bot" }]);
  });
});

describe("spans", () => {
  it("count code points, not UTF-16 units", () => {
    expect(spanned("👍👍 ab", [{ start: 3, end: 4 }])).toEqual([{ text: "👍👍 " }, { text: "a", kind: "mark", title: undefined }, { text: "b" }]);
  });

  it("that overlap do not double the text", () => {
    const found = spanned("abcdef", [{ start: 1, end: 4 }, { start: 2, end: 6 }]);
    expect(found.map((part) => part.text).join("")).toBe("abcdef");
  });
});

describe("filters from values", () => {
  it("quote what must be quoted", () => {
    expect(equals("source.language", "en")).toBe("\"source.language\" = 'en'");
    expect(equals("category", "it's")).toBe("category = 'it''s'");
    expect(equals("n", 3)).toBe("n = 3");
    expect(equals("n", null)).toBe("n IS NULL");
  });

  it("join what must both hold", () => {
    expect(and("", "n = 3")).toBe("n = 3");
    expect(and("a = 1 OR b = 2", "n = 3")).toBe("(a = 1 OR b = 2) AND n = 3");
    expect(and("n = 3", "n = 3")).toBe("n = 3");
  });
});

describe("answers to a gate's questions", () => {
  it("go with the decision, in the shape of its kind", () => {
    expect(withAnswers("accept", undefined, { x: "yes", y: "" })).toEqual({ answers: { x: "yes" } });
    expect(withAnswers("rate", 4, { x: "no" })).toEqual({ rating: 4, answers: { x: "no" } });
    expect(withAnswers("prefer", "a", { x: "no" })).toEqual({ preferred: "a", answers: { x: "no" } });
    expect(withAnswers("rate", 4, {})).toBe(4);
    expect(withAnswers("skip", undefined, { x: "no" })).toBeUndefined();
  });
});

describe("numbers", () => {
  it("read well", () => {
    expect([number(1234567), number(0.12345), number(12.34), number(null)]).toEqual(["1,234,567", "0.123", "12.3", "–"]);
    expect([percent(0, 5), percent(5, 5), percent(1, 5000), percent(4999, 5000), percent(1, 3)]).toEqual(["0 %", "100 %", "< 0.1 %", "> 99.9 %", "33 %"]);
    expect([seconds(3.21), seconds(59), seconds(600), seconds(7260)]).toEqual(["3.2 s", "59 s", "10 min", "2 h 1 min"]);
    expect([bytes(999), bytes(12_400_000)]).toEqual(["999 B", "12.4 MB"]);
  });
});
