// Points without WebGL: written into the pixels of a canvas. Where there is no graphics card this is also the faster way:
// WebGL done by the processor reads every picture back.

import { CHOSEN, DIM, HIDDEN, SHOWN, type Renderer, type Style } from "./renderer";
import type { Size, View } from "./view";

/** How far each line of a disc starts from the left of its square. */
export function insets(wide: number): Uint8Array {
  return Uint8Array.from({ length: wide }, (_, k) => {
    if (wide < 4) return 0;
    const y = k + 0.5 - wide / 2;
    return Math.round(wide / 2 - Math.sqrt((wide / 2) ** 2 - y * y));
  });
}

export class RasterRenderer implements Renderer {
  readonly kind = "canvas";
  private context: CanvasRenderingContext2D;
  private image!: ImageData;
  private colours: Uint8Array = new Uint8Array();
  private ranks: Uint8Array = new Uint8Array();
  private layered = false;
  private size: Size = { width: 1, height: 1 };
  private ratio = 1;

  constructor(
    private canvas: HTMLCanvasElement,
    private x: Float32Array,
    private y: Float32Array,
    private order: Uint32Array,
  ) {
    this.context = canvas.getContext("2d", { alpha: false })!;
  }

  paint(colours: Uint8Array, ranks: Uint8Array, layered: boolean): void {
    this.colours = colours;
    this.ranks = ranks;
    this.layered = layered;
  }

  resize(size: Size, ratio: number): void {
    this.size = size;
    this.ratio = ratio;
    this.canvas.width = Math.max(1, Math.round(size.width * ratio));
    this.canvas.height = Math.max(1, Math.round(size.height * ratio));
    this.image = this.context.createImageData(this.canvas.width, this.canvas.height);
  }

  draw(view: View, count: number, style: Style): void {
    if (!this.image) return;
    const word = new Uint32Array(this.image.data.buffer);
    word.fill(0xff000000 | (style.ground[2] << 16) | (style.ground[1] << 8) | style.ground[0]);
    for (const layer of this.layered ? [DIM, SHOWN, CHOSEN] : [SHOWN]) this.layer(layer, view, count, style);
    this.context.putImageData(this.image, 0, 0);
  }

  private layer(layer: number, view: View, count: number, style: Style): void {
    const { order, ranks, colours, x, y } = this;
    const { width, height, data } = this.image;
    const scale = view.scale * this.ratio;
    const [ox, oy] = [width / 2 - view.cx * scale, height / 2 + view.cy * scale];
    const grow = layer === DIM ? 0.75 : layer === CHOSEN ? 1.35 : 1;
    const wide = Math.max(1, Math.round(style.point * this.ratio * grow));
    const alpha = layer === DIM ? 0.5 : layer === CHOSEN ? 1 : style.opacity;
    const inset = insets(wide);
    for (let k = 0; k < count; k++) {
      const i = order[k]!;
      const rank = ranks[i]!;
      if (rank === HIDDEN || rank !== layer) continue;
      const left = Math.round(x[i]! * scale + ox - wide / 2);
      const top = Math.round(oy - y[i]! * scale - wide / 2);
      if (!(left + wide > 0 && top + wide > 0 && left < width && top < height)) continue;
      const r = layer === DIM ? style.dim[0] : colours[3 * i]!;
      const g = layer === DIM ? style.dim[1] : colours[3 * i + 1]!;
      const b = layer === DIM ? style.dim[2] : colours[3 * i + 2]!;
      for (let py = Math.max(0, top), low = Math.min(height, top + wide); py < low; py++) {
        const cut = inset[py - top]!;
        const x0 = Math.max(0, left + cut);
        const x1 = Math.min(width, left + wide - cut);
        for (let p = 4 * (py * width + x0), end = 4 * (py * width + x1); p < end; p += 4) {
          data[p] = data[p]! + (r - data[p]!) * alpha;
          data[p + 1] = data[p + 1]! + (g - data[p + 1]!) * alpha;
          data[p + 2] = data[p + 2]! + (b - data[p + 2]!) * alpha;
        }
      }
    }
  }

  dispose(): void {}
}
