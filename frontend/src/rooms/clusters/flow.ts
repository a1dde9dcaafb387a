// How two clusterings' clusters meet, as a picture: two columns of bars, and bands between them as wide as their rows.

export interface Link {
  a: number;
  b: number;
  rows: number;
}

export interface Bar {
  cluster: number;
  rows: number;
  y: number;
  height: number;
}

export interface Band extends Link {
  path: string;
}

export interface Picture {
  left: Bar[];
  right: Bar[];
  bands: Band[];
  height: number;
}

const OTHERS = -2;
export { OTHERS };

/** The `most` largest of a side stay, the others become one bar (OTHERS). */
function gathered(links: readonly Link[], side: "a" | "b", most: number): Map<number, number> {
  const sums = new Map<number, number>();
  for (const link of links) sums.set(link[side], (sums.get(link[side]) ?? 0) + link.rows);
  const order = [...sums].sort((x, y) => y[1] - x[1] || x[0] - y[0]);
  const into = new Map<number, number>();
  order.forEach(([cluster], k) => into.set(cluster, cluster === -1 || k < most || order.length <= most + 1 ? cluster : OTHERS));
  return into;
}

/**
 * Bars of the left stand by size, those of the right where most of their rows come from. Every bar is as tall as its rows,
 * at least `least` pixels; bands leave and arrive in the order of the other side, so that few cross.
 */
export function draw(links: readonly Link[], width: number, most = 24, tall = 640, gap = 5, least = 2): Picture {
  const [ofA, ofB] = [gathered(links, "a", most), gathered(links, "b", most)];
  const cells = new Map<string, Link>();
  for (const { a, b, rows } of links) {
    const [x, y] = [ofA.get(a)!, ofB.get(b)!];
    const cell = cells.get(`${x} ${y}`) ?? { a: x, b: y, rows: 0 };
    cell.rows += rows;
    cells.set(`${x} ${y}`, cell);
  }
  const all = [...cells.values()].filter((c) => c.rows > 0);
  const total = all.reduce((sum, c) => sum + c.rows, 0) || 1;
  const sums = (side: "a" | "b") => {
    const found = new Map<number, number>();
    for (const c of all) found.set(c[side], (found.get(c[side]) ?? 0) + c.rows);
    return found;
  };
  const [left, right] = [sums("a"), sums("b")];
  const last = (cluster: number) => (cluster === -1 ? 2 : cluster === OTHERS ? 1 : 0);
  const orderA = [...left.keys()].sort((x, y) => last(x) - last(y) || left.get(y)! - left.get(x)! || x - y);
  const rank = new Map(orderA.map((cluster, k) => [cluster, k]));
  const pull = new Map<number, number>();
  for (const cluster of right.keys()) {
    let [sum, of] = [0, 0];
    for (const c of all) if (c.b === cluster) [sum, of] = [sum + rank.get(c.a)! * c.rows, of + c.rows];
    pull.set(cluster, sum / of);
  }
  const orderB = [...right.keys()].sort((x, y) => last(x) - last(y) || pull.get(x)! - pull.get(y)! || x - y);
  const pixels = Math.max(80, tall - gap * Math.max(orderA.length, orderB.length));
  const stack = (order: number[], of: Map<number, number>): Bar[] => {
    let y = 0;
    return order.map((cluster) => {
      const height = Math.max(least, (of.get(cluster)! / total) * pixels);
      const bar = { cluster, rows: of.get(cluster)!, y, height };
      y += height + gap;
      return bar;
    });
  };
  const [bars, others] = [stack(orderA, left), stack(orderB, right)];
  const atA = new Map(bars.map((bar) => [bar.cluster, { y: bar.y, bar }]));
  const atB = new Map(others.map((bar) => [bar.cluster, { y: bar.y, bar }]));
  const rankB = new Map(orderB.map((cluster, k) => [cluster, k]));
  const bands: Band[] = [];
  const starts = new Map<Link, [number, number]>();
  for (const c of [...all].sort((x, y) => rank.get(x.a)! - rank.get(y.a)! || rankB.get(x.b)! - rankB.get(y.b)!)) {
    const from = atA.get(c.a)!;
    const high = (c.rows / from.bar.rows) * from.bar.height;
    starts.set(c, [from.y, high]);
    from.y += high;
  }
  for (const c of [...all].sort((x, y) => rankB.get(x.b)! - rankB.get(y.b)! || rank.get(x.a)! - rank.get(y.a)!)) {
    const to = atB.get(c.b)!;
    const high = (c.rows / to.bar.rows) * to.bar.height;
    const [y0, h0] = starts.get(c)!;
    const y1 = to.y;
    to.y += high;
    const mid = width / 2;
    const f = (v: number) => v.toFixed(1);
    bands.push({ ...c, path: `M0 ${f(y0)}C${f(mid)} ${f(y0)} ${f(mid)} ${f(y1)} ${f(width)} ${f(y1)}V${f(y1 + high)}C${f(mid)} ${f(y1 + high)} ${f(mid)} ${f(y0 + h0)} 0 ${f(y0 + h0)}Z` });
  }
  const end = (list: Bar[]) => (list.length ? list[list.length - 1]!.y + list[list.length - 1]!.height : 0);
  return { left: bars, right: others, bands: bands.sort((x, y) => y.rows - x.rows || x.a - y.a || x.b - y.b), height: Math.max(end(bars), end(others)) };
}
