// What draws points. Two of them: WebGL 2 (gl.ts), and a plain canvas where there is none (raster.ts).

import type { Rgb } from "./palette";
import type { Size, View } from "./view";

/** How a point is drawn. */
export const HIDDEN = 0;
export const DIM = 1;
export const SHOWN = 2;
export const CHOSEN = 3;

export interface Style {
  /** width of a point in CSS pixels */
  point: number;
  /** 0..1 */
  opacity: number;
  ground: Rgb;
  /** colour of dimmed points, already near the ground */
  dim: Rgb;
}

export interface Renderer {
  readonly kind: "webgl" | "canvas";
  /** Colours (3 bytes a point) and ranks (1 byte a point), by place. `layered`: some points are dimmed or chosen. */
  paint(colours: Uint8Array, ranks: Uint8Array, layered: boolean): void;
  resize(size: Size, ratio: number): void;
  /** Draws the first `count` points of the order. */
  draw(view: View, count: number, style: Style): void;
  dispose(): void;
}
