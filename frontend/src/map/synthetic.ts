// Points for tests and for trying the map without a run: clumps of words, the same for the same seed.

import { labelPlaces, TextsInMemory, type Column, type Labels, type MapData } from "./data";
import { seeded } from "./random";

const WORDS = ["refund", "delivery", "invoice", "password", "address", "parcel", "meeting", "contract", "thanks", "outage", "price", "holiday"];

export function synthetic(n: number, clusters = 60, seed = 1): { data: MapData; texts: TextsInMemory } {
  const next = seeded(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const centres = Array.from({ length: clusters }, () => [next() * 20 - 10, next() * 20 - 10, 0.25 + next() * 0.5, 0.2 + next()] as const);
  const weights = centres.map((c) => c[3]);
  const total = weights.reduce((a, b) => a + b, 0);
  const x = new Float32Array(n);
  const y = new Float32Array(n);
  const cluster = new Int32Array(n);
  const fate = new Int32Array(n);
  const split = new Int32Array(n);
  const score = new Float32Array(n);
  const texts: string[] = new Array<string>(n);
  for (let i = 0; i < n; i++) {
    let pick = next() * total;
    let c = 0;
    while (c < clusters - 1 && (pick -= weights[c]!) > 0) c++;
    const [cx, cy, spread] = centres[c]!;
    x[i] = cx + normal() * spread;
    y[i] = cy + normal() * spread;
    cluster[i] = next() < 0.05 ? -1 : c;
    fate[i] = next() < 0.7 ? 0 : next() < 0.6 ? 1 : 2;
    split[i] = next() < 0.8 ? 0 : 1;
    score[i] = Math.min(1, Math.max(0, 0.5 + normal() * 0.2));
    texts[i] = `Row ${i}: ${WORDS[c % WORDS.length]} and ${WORDS[(c * 7 + i) % WORDS.length]}, written by hand ${i % 97} times.`;
  }
  const names = centres.map((_, c) => `${WORDS[c % WORDS.length]} ${Math.floor(c / WORDS.length) + 1}`);
  const labels: Labels = { kind: "labels", name: "cluster", title: "cluster", values: names, codes: cluster };
  const columns: Column[] = [
    labels,
    { kind: "labels", name: "fate", title: "fate", values: ["kept", "dropped", "merged"], codes: fate },
    { kind: "labels", name: "split", title: "split", values: ["train", "test"], codes: split },
    { kind: "numbers", name: "score", title: "score", values: score },
  ];
  const groups = labelPlaces(x, y, labels).map((p, c) => ({ id: c, name: names[c]!, ...p}));
  labels.groups = groups;
  const data: MapData = { n, x, y, columns, groupColumn: "cluster", without: 0, id: (place) => `r-${place}` };
  return { data, texts: new TextsInMemory(texts) };
}
