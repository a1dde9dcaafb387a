// When to draw, and how many points: all when the picture stands still, as many as keep it smooth while it moves.

import { GlRenderer, hardware } from "./gl";
import { shuffled } from "./random";
import { RasterRenderer } from "./raster";
import type { Renderer, Style } from "./renderer";
import { between, type Size, type View } from "./view";

/** milliseconds a frame may take while moving */
const FRAME = 33;
const FEWEST = 20_000;
/** milliseconds without movement after which all points are drawn */
const STILL = 140;

/** Points to draw in the next moving frame, from what the last one took. */
export function adapt(count: number, took: number, n: number): number {
  const next = took > FRAME * 1.2 ? count * Math.max(0.5, FRAME / took) : took < FRAME * 0.75 ? count * 1.25 : count;
  return Math.max(Math.min(FEWEST, n), Math.min(n, Math.round(next)));
}

export interface Figures {
  renderer: "webgl" | "canvas";
  /** milliseconds from creation to the first full picture */
  firstDraw: number;
  drawn: number;
  frames: number;
}

export class Painter {
  readonly renderer: Renderer;
  readonly figures: Figures;
  view: View = { cx: 0, cy: 0, scale: 1 };
  style!: Style;
  private order: Uint32Array;
  private budget: number;
  private pending = 0;
  private last = 0;
  private stillAt = 0;
  private timer = 0;
  private flight: { from: View; to: View; start: number; ms: number } | null = null;
  private born = performance.now();

  /** `want`: which renderer; by itself WebGL, but only where a graphics card does it: see docs/design/022. `moved` is called after every frame with what is shown. */
  constructor(
    canvas: HTMLCanvasElement,
    x: Float32Array,
    y: Float32Array,
    private moved: (view: View, still: boolean) => void,
    want: "auto" | "webgl" | "canvas" = "auto",
  ) {
    this.order = shuffled(x.length, 1);
    this.budget = Math.min(x.length, 60_000);
    let renderer: Renderer | null = null;
    if (want === "webgl" || (want === "auto" && hardware())) {
      try {
        renderer = new GlRenderer(canvas, x, y, this.order, () => this.draw());
      } catch {
        renderer = null; // told by `figures.renderer`
      }
    }
    this.renderer = renderer ?? new RasterRenderer(canvas, x, y, this.order);
    this.figures = { renderer: this.renderer.kind, firstDraw: 0, drawn: 0, frames: 0 };
  }

  resize(size: Size, ratio: number): void {
    this.renderer.resize(size, ratio);
    this.draw();
  }

  /** Another view, as people move: fewer points until it stands still. */
  move(view: View): void {
    this.flight = null;
    this.go(view);
  }

  private go(view: View): void {
    this.view = view;
    this.stillAt = performance.now() + STILL;
    this.ask();
    if (!this.timer) this.timer = window.setTimeout(this.settle, STILL);
  }

  private settle = () => {
    const left = this.stillAt - performance.now();
    if (left > 0) {
      this.timer = window.setTimeout(this.settle, left);
      return;
    }
    this.timer = 0;
    this.last = 0;
    this.ask();
  };

  /** To another view, by a short flight unless people asked for less motion. */
  fly(view: View, calm: boolean): void {
    if (calm) {
      this.move(view);
      return;
    }
    this.flight = { from: this.view, to: view, start: performance.now(), ms: 320 };
    this.ask();
  }

  draw(): void {
    this.ask();
  }

  private ask(): void {
    if (!this.pending) this.pending = requestAnimationFrame(this.frame);
  }

  private frame = (now: number) => {
    this.pending = 0;
    if (!this.style) return;
    if (this.flight) {
      const { from, to, start, ms } = this.flight;
      const t = Math.min(1, Math.max(0, (now - start) / ms));
      if (t >= 1) this.flight = null;
      this.go(between(from, to, t));
    }
    const still = this.timer === 0;
    const count = still ? this.order.length : this.budget;
    const before = performance.now();
    this.renderer.draw(this.view, count, this.style);
    if (!still) {
      // a canvas is drawn when the call returns; of WebGL only the time between frames tells
      const took = this.renderer.kind === "canvas" ? (performance.now() - before) * 1.5 : this.last ? now - this.last : 0;
      if (took && took < 400) this.budget = adapt(this.budget, took, this.order.length);
      this.last = now;
    }
    this.figures.drawn = count;
    this.figures.frames++;
    if (!this.figures.firstDraw && still) this.figures.firstDraw = performance.now() - this.born;
    this.moved(this.view, still);
  };

  dispose(): void {
    cancelAnimationFrame(this.pending);
    clearTimeout(this.timer);
    this.renderer.dispose();
  }
}
