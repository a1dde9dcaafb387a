import { describe, expect, it } from "vitest";
import { decode } from "./decode";

function packed(columns: Record<string, unknown>[], data: ArrayBufferView[], points: number, format = 1): ArrayBuffer {
  const room = 2036;
  let at = 12 + room;
  const told = columns.map((one, k) => {
    const here = { ...one, at };
    at += data[k]!.byteLength + ((8 - (data[k]!.byteLength % 8)) % 8);
    return here;
  });
  const bytes = new Uint8Array(at);
  bytes.set(new TextEncoder().encode("TAMISMAP"));
  new DataView(bytes.buffer).setUint32(8, room, true);
  bytes.set(new TextEncoder().encode(JSON.stringify({ format, points, rows: points + 2, without_place: 2, columns: told }).padEnd(room)), 12);
  told.forEach((one, k) => bytes.set(new Uint8Array(data[k]!.buffer), one.at));
  return bytes.buffer;
}

const place = { kind: "place", type: "f32" };
const whole = (format = 1) =>
  packed(
    [
      { name: "x", ...place },
      { name: "y", ...place },
      { name: "id", kind: "id", type: "u32" },
      { name: "fate", kind: "category", type: "u8", values: ["kept", "a: short", "b: short"], fates: ["kept", "dropped", "dropped"].map((outcome) => ({ outcome, step: null, reason: null, sentence: null })) },
      { name: "split", kind: "category", type: "u8", values: ["test", null] },
      { name: "topics", kind: "cluster", type: "u16", values: ["cards", null], clusters: [{ id: 7, name: "cards", rows: 2, x: 0.5, y: 0 }, null] },
    ],
    [Float32Array.of(0.5, -1, 1), Float32Array.of(0, 1, -1), Uint32Array.of(0, 0, 0, 1, 0xffffffff, 0, 0, 2, 0, 0, 0, 3), Uint8Array.of(0, 1, 2), Uint8Array.of(0, 1, 0), Uint16Array.of(0, 1, 0)],
    3,
    format,
  );

describe("decode", () => {
  it("reads places, ids, fates, values that are none, and clusters", () => {
    const map = decode(whole());
    expect([map.n, map.without, map.groupColumn]).toEqual([3, 2, "topics"]);
    expect([...map.x]).toEqual([0.5, -1, 1]);
    expect(map.id(1)).toBe("ffffffff" + "0".repeat(23) + "2");
    const told = map.columns.map((one) => (one.kind === "labels" ? [one.title, one.values, [...one.codes]] : null));
    expect(told).toEqual([
      ["fate", ["kept", "dropped"], [0, 1, 1]],
      ["fate, by step and reason", ["kept", "a: short", "b: short"], [0, 1, 2]],
      ["split", ["test"], [0, -1, 0]],
      ["topics", ["cards"], [0, -1, 0]],
    ]);
    const topics = map.columns[3]!;
    expect(topics.kind === "labels" && topics.groups).toEqual([{ id: 7, name: "cards", rows: 2, x: 0.5, y: 0 }]);
  });
  it("says what is wrong with other bytes", () => {
    expect(() => decode(new ArrayBuffer(4))).toThrow("no map");
    expect(() => decode(whole(2))).toThrow("format 2");
    expect(() => decode(whole().slice(0, 100))).toThrow("cut off");
    expect(() => decode(whole().slice(0, 2060))).toThrow("cut off in the column");
  });
});
