// Colours that people with any colour vision tell apart, on light and on dark ground. Every colour stands out from its
// ground by 3:1 (WCAG 2.2, 1.4.11); tests measure both.

export type Theme = "light" | "dark";
export type Rgb = readonly [number, number, number];

export const GROUND: Record<Theme, string> = { light: "#fdfcfa", dark: "#15171b" };

export const LABELS: Record<Theme, readonly string[]> = {
  light: ["#27a093", "#bb710b", "#845af5", "#660c17", "#1d0fca", "#8e4503", "#695186", "#3c1c62"],
  dark: ["#7dc2f5", "#ba4b24", "#12a097", "#b565fe", "#8bb836", "#54f7cc", "#7358a0", "#bcef1b"],
};

/** Rows without a value. */
export const NONE: Record<Theme, string> = { light: "#8a8781", dark: "#7d8189" };

/** What became of a row has its colours, the same everywhere. */
export const FATES: Record<Theme, Readonly<Record<string, string>>> = {
  light: { kept: "#27a093", dropped: "#8e4503", merged: "#845af5", held: "#bb710b", quarantined: "#660c17", born: "#1d0fca" },
  dark: { kept: "#7dc2f5", dropped: "#ba4b24", merged: "#b565fe", held: "#bcef1b", quarantined: "#12a097", born: "#54f7cc" },
};

/** From low to high, even in lightness: blue to ochre on light ground, dim blue to bright yellow on dark. */
const RAMP: Record<Theme, readonly string[]> = {
  light: ["#a08a2c", "#8a7f49", "#73735a", "#5b6468", "#435474", "#2c437c", "#142f7d", "#0a1b66"],
  dark: ["#5d6f9c", "#6c7b96", "#7c8890", "#8f9588", "#a4a37d", "#bbb26d", "#d4c257", "#efd338"],
};

export function rgb(hex: string): Rgb {
  return [parseInt(hex.slice(1, 3), 16), parseInt(hex.slice(3, 5), 16), parseInt(hex.slice(5, 7), 16)];
}

/** A colour of the ramp. t: 0..1. */
export function ramp(theme: Theme, t: number): Rgb {
  const stops = RAMP[theme];
  const at = Math.min(1, Math.max(0, t)) * (stops.length - 1);
  const k = Math.min(stops.length - 2, Math.floor(at));
  const [a, b] = [rgb(stops[k]!), rgb(stops[k + 1]!)];
  const f = at - k;
  return [Math.round(a[0] + (b[0] - a[0]) * f), Math.round(a[1] + (b[1] - a[1]) * f), Math.round(a[2] + (b[2] - a[2]) * f)];
}

/**
 * A place in the palette for each group: with more groups than colours, near groups get different ones. Large groups
 * choose first; each takes the colour whose nearest holder is farthest away.
 */
export function spread(places: readonly { x: number; y: number; rows: number }[], colours: number): number[] {
  const order = places.map((_, i) => i).sort((a, b) => places[b]!.rows - places[a]!.rows || a - b);
  const held: number[][] = Array.from({ length: colours }, () => []);
  const chosen = new Array<number>(places.length).fill(0);
  for (const i of order) {
    const p = places[i]!;
    let best = 0;
    let farthest = -1;
    for (let c = 0; c < colours; c++) {
      let nearest = Infinity;
      for (const j of held[c]!) nearest = Math.min(nearest, (places[j]!.x - p.x) ** 2 + (places[j]!.y - p.y) ** 2);
      if (nearest > farthest) [farthest, best] = [nearest, c];
    }
    chosen[i] = best;
    held[best]!.push(i);
  }
  return chosen;
}
