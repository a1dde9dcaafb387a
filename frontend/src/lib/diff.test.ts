import { describe, expect, it } from "vitest";
import { around, diff, side, type Segment } from "./diff";

const text = (segments: Segment[]): string => segments.map(([, piece]) => piece).join("");

/** a small generator, so that the texts are the same every time */
function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
}

describe("diff", () => {
  it("marks the word that changed", () => {
    expect(diff("a red car", "a blue car")).toEqual([["=", "a "], ["-", "red"], ["+", "blue"], ["=", " car"]]);
  });

  it("is nothing but the text where nothing changed", () => {
    expect(diff("same", "same")).toEqual([["=", "same"]]);
    expect(diff("", "")).toEqual([]);
  });

  it("reads neighbouring changed words as one change", () => {
    expect(diff("one two three end", "uno dos tres end")).toEqual([["-", "one two three"], ["+", "uno dos tres"], ["=", " end"]]);
  });

  it("keeps both texts whole, whatever they are", () => {
    const next = random(7);
    const words = ["a", "b", "c", " ", "\n", "é", "👩‍👩‍👧", "مرحبا", ".", "\u200b"];
    for (let round = 0; round < 400; round++) {
      const make = (): string => Array.from({ length: Math.floor(next() * 14) }, () => words[Math.floor(next() * words.length)]).join("");
      const [a, b] = [make(), make()];
      const found = diff(a, b);
      expect(text(side(found, "-"))).toBe(a);
      expect(text(side(found, "+"))).toBe(b);
    }
  });

  it("replaces the middle of texts that are too different, and stays quick", () => {
    const a = Array.from({ length: 30_000 }, (_, k) => `a${k}`).join(" ");
    const b = Array.from({ length: 30_000 }, (_, k) => `b${k}`).join(" ");
    expect(diff(a, b)).toEqual([["-", a], ["+", b]]);
  });

  it("cuts what stays the same around the changes only", () => {
    const long = "word ".repeat(200);
    const found = around(diff(`${long}old${long}`, `${long}new${long}`), 20);
    expect(found.filter(([kind]) => kind !== "=")).toEqual([["-", "old"], ["+", "new"]].map(([k, t]) => [k, expect.stringContaining(t!)]));
    expect(text(found).length).toBeLessThan(120);
  });
});
