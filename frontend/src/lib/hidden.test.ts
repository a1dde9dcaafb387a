import { describe, expect, it } from "vitest";
import { line, pieces } from "./hidden";

const codes = (text: string): (string | undefined)[] => pieces(text).map((piece) => piece.code).filter(Boolean);

describe("hidden characters", () => {
  it("are named", () => {
    expect(codes("abc\u202egnp.exe\u2066\u200b\x00\x1b")).toEqual(["U+202E", "U+2066", "U+200B", "U+0000", "U+001B"]);
    expect(codes("tag \u{e0041}")).toEqual(["U+E0041"]);
    expect(codes("half \ud83d of a pair")).toEqual(["U+D83D"]);
  });

  it("do not hold what writing needs", () => {
    expect(codes("👩‍👩‍👧 نمی‌خواهم e\u0301 \n\t")).toEqual([]);
    expect(codes("two\r\nlines")).toEqual([]);
  });

  it("lose nothing of the text", () => {
    const text = "a\u200bb\u202ec👩‍👩‍👧\ud83d";
    expect(pieces(text).map((piece) => piece.text).join("")).toBe(text);
  });

  it("stand by their codes on one line", () => {
    expect(line("a\u202eb\nc")).toBe("a⟨202E⟩b c");
    expect(line({ a: 1 })).toBe('{"a":1}');
    expect(line(null)).toBe("");
  });
});
