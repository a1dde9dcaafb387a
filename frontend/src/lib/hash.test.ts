import { describe, expect, it } from "vitest";
import { format, parse } from "./hash";

describe("the address", () => {
  it("comes back as it went", () => {
    for (const query of [{} as Record<string, string>, { q: "50% of \"x\" & y=z #1" }, { where: "split = 'a''b' AND n > 3", run: "customer-intents/3" }, { q: "مرحبا" }]) {
      expect(parse(format({ room: "rows", query }))).toEqual({ room: "rows", query });
    }
  });

  it("has no place for what is empty", () => {
    expect(format({ room: "rows", query: { q: "", step: "dedup" } })).toBe("#/rows?step=dedup");
  });

  it("bears what nobody would write", () => {
    expect(parse("")).toEqual({ room: "", query: {} });
    expect(parse("#/%E0%A4%A?q")).toEqual({ room: "", query: {} });
    expect(parse("#rows?__proto__=1").room).toBe("rows");
  });
});
