import { describe, expect, it } from "vitest";
import { bounds, labelPlaces, TextsInBlocks, type Labels } from "./data";
import { Grid, inPolygon } from "./grid";
import { overlap, place, type Label } from "./labels";
import { FATES, GROUND, LABELS, NONE, ramp, rgb, spread, type Rgb } from "./palette";
import { adapt } from "./painter";
import { seeded, shuffled } from "./random";
import { insets } from "./raster";
import { between, fit, pan, seen, toData, toScreen, zoomAt } from "./view";

const cloud = (n: number, seed = 3): [Float32Array, Float32Array] => {
  const next = seeded(seed);
  return [Float32Array.from({ length: n }, () => next() * 10 - 5), Float32Array.from({ length: n }, () => next() * 4)];
};

describe("random", () => {
  it("shuffles the same way for the same seed, and loses nobody", () => {
    const order = shuffled(1000, 7);
    expect([...order].sort((a, b) => a - b)).toEqual([...Array(1000).keys()]);
    expect(shuffled(1000, 7)).toEqual(order);
    expect(shuffled(1000, 8)).not.toEqual(order);
  });
  it("every beginning is a fair sample", () => {
    const first = shuffled(100_000, 1).slice(0, 10_000);
    const low = first.filter((i) => i < 50_000).length;
    expect(Math.abs(low - 5000)).toBeLessThan(200);
  });
});

describe("grid", () => {
  const [x, y] = cloud(5000);
  x[17] = NaN;
  const grid = new Grid(x, y);
  const all = [...Array(5000).keys()];

  it("finds in a box what looking at every point finds", () => {
    const wanted = all.filter((i) => x[i]! >= -1 && x[i]! <= 2 && y[i]! >= 1 && y[i]! <= 1.5);
    expect([...grid.within(-1, 1, 2, 1.5)]).toEqual(wanted);
    expect(wanted.length).toBeGreaterThan(50);
  });
  it("finds in a polygon what looking at every point finds, ascending", () => {
    const star = [[-4, 0], [4, 1], [-3, 3], [0, -1], [2, 4]] as const;
    expect([...grid.inside(star)]).toEqual(all.filter((i) => inPolygon(x[i]!, y[i]!, star)));
  });
  it("gives the nearest point, and none out of reach", () => {
    for (const [px, py] of [[0, 2], [-5, 0], [4.9, 3.9]] as const) {
      const wanted = all.filter((i) => x[i] === x[i]).sort((a, b) => Math.hypot(x[a]! - px, y[a]! - py) - Math.hypot(x[b]! - px, y[b]! - py))[0];
      expect(grid.nearest(px, py, 3)).toBe(wanted);
    }
    expect(grid.nearest(100, 100, 1)).toBe(-1);
  });
  it("passes over points that may not be found", () => {
    const first = grid.nearest(0, 2, 3);
    expect(grid.nearest(0, 2, 3, (i) => i !== first)).not.toBe(first);
  });
  it("goes in a direction and reaches the other side", () => {
    let at = grid.nearest(-5, 2, 1);
    const seenAlready = new Set<number>();
    for (let k = 0; k < 5000; k++) {
      const next = grid.towards(at, 1, 0);
      if (next < 0) break;
      expect(x[next]!).toBeGreaterThan(x[at]!);
      expect(seenAlready.has(next)).toBe(false);
      seenAlready.add(next);
      at = next;
    }
    expect(x[at]!).toBeGreaterThan(4.8);
  });
  it("stands no points, one point, and points all in one place", () => {
    expect(new Grid(new Float32Array(), new Float32Array()).nearest(0, 0, 1)).toBe(-1);
    const one = new Grid(Float32Array.of(3), Float32Array.of(4));
    expect(one.nearest(3, 4, 0.1)).toBe(0);
    expect(one.towards(0, 1, 0)).toBe(-1);
    const same = new Grid(new Float32Array(100).fill(2), new Float32Array(100).fill(2));
    expect(same.within(1, 1, 3, 3).length).toBe(100);
    expect(same.towards(0, 1, 0)).toBe(-1);
    const none = new Grid(Float32Array.of(NaN), Float32Array.of(NaN));
    expect(none.within(-9, -9, 9, 9).length).toBe(0);
  });
});

describe("view", () => {
  const size = { width: 800, height: 400 };
  const view = fit([0, 0, 10, 4], size);
  it("shows a box whole", () => {
    for (const [x, y] of [[0, 0], [10, 4], [0, 4]] as const) {
      const [px, py] = toScreen(view, size, x, y);
      expect(px).toBeGreaterThanOrEqual(0);
      expect(px).toBeLessThanOrEqual(800);
      expect(py).toBeGreaterThanOrEqual(0);
      expect(py).toBeLessThanOrEqual(400);
    }
  });
  it("is taken back by its inverse", () => {
    const [x, y] = toData(view, size, ...toScreen(view, size, 3.3, 1.1));
    expect(x).toBeCloseTo(3.3);
    expect(y).toBeCloseTo(1.1);
  });
  it("zooms around what is pointed at", () => {
    const before = toData(view, size, 200, 100);
    const after = toData(zoomAt(view, size, 200, 100, 3, 0.1, 1e6), size, 200, 100);
    expect(after[0]).toBeCloseTo(before[0]);
    expect(after[1]).toBeCloseTo(before[1]);
    expect(zoomAt(view, size, 0, 0, 1e9, 0.1, 500).scale).toBe(500);
  });
  it("moves with the hand", () => {
    const [px, py] = toScreen(pan(view, 30, -20), size, 5, 2);
    const [qx, qy] = toScreen(view, size, 5, 2);
    expect(px - qx).toBeCloseTo(30);
    expect(py - qy).toBeCloseTo(-20);
  });
  it("sees more when farther, and flies from one view to the other", () => {
    const [x0, , x1] = seen(view, size);
    const [u0, , u1] = seen({ ...view, scale: view.scale / 2 }, size);
    expect(u1 - u0).toBeCloseTo(2 * (x1 - x0));
    expect(between(view, { cx: 1, cy: 1, scale: 9 }, 1)).toEqual({ cx: 1, cy: 1, scale: 9 });
  });
  it("stands a box without a size", () => expect(Number.isFinite(fit([2, 2, 2, 2], size).scale)).toBe(true));
});

describe("labels", () => {
  const next = seeded(5);
  const labels: Label[] = Array.from({ length: 300 }, (_, k) => ({ key: k, text: `label ${k}`, x: next() * 100, y: next() * 100, weight: Math.floor(next() * 50) }));
  const measure = (text: string) => [text.length * 7, 18] as const;
  const at = (zoom: number) => (l: Label) => [l.x * zoom, l.y * zoom] as const;

  it("never lie over each other nor leave the picture", () => {
    const placed = place(labels, at(6), measure, 600, 600, 300);
    expect(placed.length).toBeGreaterThan(20);
    placed.forEach((a, i) => {
      expect(a.left >= 0 && a.top >= 0 && a.left + a.width <= 600 && a.top + a.height <= 600).toBe(true);
      placed.slice(i + 1).forEach((b) => expect(overlap(a, b)).toBe(false));
    });
  });
  it("show the weightiest first", () => {
    const two: Label[] = [{ key: 1, text: "small", x: 1, y: 1, weight: 1 }, { key: 2, text: "large", x: 1, y: 1, weight: 9 }];
    const placed = place(two, () => [30, 10], measure, 60, 20);
    expect(placed.map((p) => p.text)).toEqual(["large"]);
  });
  it("become more of the same part when one goes nearer", () => {
    const part = labels.filter((l) => l.x < 50 && l.y < 50);
    const far = place(part, at(6), measure, 600, 600, 300).length;
    const near = place(part, at(12), measure, 600, 600, 300).length;
    expect(near).toBeGreaterThan(far);
  });
  it("outside the picture are left out", () => expect(place(labels, () => [-5, 10], measure, 600, 600)).toEqual([]));
});

// -- colours: contrast by WCAG, and colour blindness by Machado, Oliveira and Fernandes (2009), severity 1 ---------

const linear = (c: number) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
const light = (c: Rgb) => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
const contrast = (a: Rgb, b: Rgb) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
const SEEN: Record<string, number[][]> = {
  all: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritan: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};
function lab(c: Rgb, eyes: string): number[] {
  const v = [linear(c[0]), linear(c[1]), linear(c[2])];
  const [r, g, b] = SEEN[eyes]!.map((row) => Math.min(1, Math.max(0, row[0]! * v[0]! + row[1]! * v[1]! + row[2]! * v[2]!))) as [number, number, number];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}
const apart = (a: Rgb, b: Rgb, eyes: string) => Math.hypot(...lab(a, eyes).map((v, k) => v - lab(b, eyes)[k]!));

describe.each(["light", "dark"] as const)("colours on %s ground", (theme) => {
  const ground = rgb(GROUND[theme]);
  it.each(LABELS[theme])("%s stands out", (hex) => expect(contrast(rgb(hex), ground)).toBeGreaterThanOrEqual(3));
  it("those of fates, of no value and of the ramp stand out, too", () => {
    for (const hex of [...Object.values(FATES[theme]), NONE[theme]]) expect(contrast(rgb(hex), ground)).toBeGreaterThanOrEqual(3);
    for (let t = 0; t <= 1; t += 0.05) expect(contrast(ramp(theme, t), ground)).toBeGreaterThanOrEqual(3);
  });
  it.each(["all", "protan", "deutan", "tritan"])("differ for %s eyes", (eyes) => {
    for (const colours of [LABELS[theme].map(rgb), ["kept", "dropped", "merged", "held"].map((f) => rgb(FATES[theme][f]!))]) {
      colours.forEach((a, i) => colours.slice(i + 1).forEach((b) => expect(apart(a, b, eyes)).toBeGreaterThan(0.1)));
    }
  });
  it.each(["all", "protan", "deutan", "tritan"])("the ramp goes one way in lightness for %s eyes", (eyes) => {
    const steps = Array.from({ length: 9 }, (_, k) => lab(ramp(theme, k / 8), eyes)[0]!);
    const sign = Math.sign(steps[8]! - steps[0]!);
    for (let k = 1; k < 9; k++) expect((steps[k]! - steps[k - 1]!) * sign).toBeGreaterThan(0);
  });
});

describe("spread", () => {
  it("gives near groups different colours", () => {
    const places = Array.from({ length: 40 }, (_, k) => ({ x: k % 8, y: Math.floor(k / 8), rows: 100 - k }));
    const chosen = spread(places, 8);
    places.forEach((p, i) => places.forEach((q, j) => {
      if (i < j && Math.hypot(p.x - q.x, p.y - q.y) <= 1) expect(chosen[i]).not.toBe(chosen[j]);
    }));
  });
});

describe("how many points move", () => {
  it("fewer when slow, more when quick, never beyond what there is", () => {
    expect(adapt(100_000, 90, 200_000)).toBeLessThan(60_000);
    expect(adapt(100_000, 10, 200_000)).toBeGreaterThan(100_000);
    expect(adapt(190_000, 1, 200_000)).toBe(200_000);
    expect(adapt(500, 90, 1000)).toBe(1000);
  });
});

describe("discs", () => {
  it("are round and symmetric, small ones full", () => {
    expect([...insets(3)]).toEqual([0, 0, 0]);
    const nine = [...insets(9)];
    expect(nine).toEqual([...nine].reverse());
    expect(nine[4]).toBe(0);
    expect(nine[0]!).toBeGreaterThan(1);
  });
});

describe("data", () => {
  it("bounds pass over points without a place", () => {
    expect(bounds(Float32Array.of(1, NaN, 5), Float32Array.of(2, 3, -1))).toEqual([1, -1, 5, 2]);
    expect(bounds(new Float32Array(), new Float32Array())).toEqual([0, 0, 1, 1]);
  });
  it("labels stand on a row of theirs", () => {
    const labels: Labels = { kind: "labels", name: "c", title: "c", values: ["a", "b"], codes: Int32Array.of(0, 0, 0, -1) };
    const [a, b] = labelPlaces(Float32Array.of(0, 1, 2, 9), Float32Array.of(0, 0, 9, 9), labels);
    expect(a).toEqual({ x: 1, y: 0, rows: 3 });
    expect(b!.rows).toBe(0);
  });
  it("texts come in blocks, once each, and again after an error", async () => {
    const asked: [number, number][] = [];
    let fail = true;
    const texts = new TextsInBlocks(150, async (start, stop) => {
      asked.push([start, stop]);
      if (start === 128 && fail) throw new Error("gone");
      return Array.from({ length: stop - start }, (_, k) => `t${start + k}`);
    });
    await Promise.all([texts.load([3, 5, 70]), texts.load([4])]);
    expect(asked).toEqual([[0, 64], [64, 128]]);
    expect(texts.now(70)).toBe("t70");
    expect(texts.now(149)).toBeUndefined();
    await expect(texts.load([149])).rejects.toThrow("gone");
    fail = false;
    await texts.load([149]);
    expect(texts.now(149)).toBe("t149");
  });
});
