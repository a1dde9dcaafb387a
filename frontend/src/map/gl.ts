// Points by WebGL 2, without a library: the usual ones make code from strings, which the pages' content policy forbids.
// Positions are uploaded once, in a seeded order, so that drawing fewer points is drawing the beginning of the buffer.

import { CHOSEN, DIM, SHOWN, type Renderer, type Style } from "./renderer";
import type { Size, View } from "./view";

const VERTEX = `#version 300 es
in vec2 place;
in vec4 paint; // colour, and the rank in steps of 85/255
uniform vec2 centre;
uniform vec2 scale;
uniform float size;
uniform float opacity;
uniform vec3 dim;
uniform int layer; // 0: all, 1: dimmed ones, 2: shown ones, 3: chosen ones
out vec4 colour;
void main() {
  int rank = int(paint.a * 3.0 + 0.5);
  if (rank == 0 || (layer != 0 && rank != layer)) {
    gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
    gl_PointSize = 1.0;
    return;
  }
  gl_Position = vec4((place - centre) * scale, 0.0, 1.0);
  gl_PointSize = rank == ${DIM} ? max(1.0, size * 0.75) : rank == ${CHOSEN} ? size * 1.35 : size;
  colour = rank == ${DIM} ? vec4(dim, 0.5) : vec4(paint.rgb, rank == ${CHOSEN} ? 1.0 : opacity);
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 colour;
uniform float round_;
out vec4 pixel;
void main() {
  float a = colour.a;
  if (round_ > 0.0) {
    float r = length(gl_PointCoord - 0.5) * 2.0;
    a *= 1.0 - smoothstep(1.0 - round_, 1.0, r);
    if (a < 0.02) discard;
  }
  pixel = vec4(colour.rgb * a, a);
}`;

/** names of renderers that are no graphics card; browsers do not always tell by failIfMajorPerformanceCaveat */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** Whether WebGL 2 is there and done by a graphics card. */
export function hardware(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  if (!gl) return false;
  const named = gl.getExtension("WEBGL_debug_renderer_info");
  const name = String(gl.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return !SOFTWARE.test(name);
}

export class GlRenderer implements Renderer {
  readonly kind = "webgl";
  private gl: WebGL2RenderingContext;
  private program!: WebGLProgram;
  private paints!: WebGLBuffer;
  private at: Record<string, WebGLUniformLocation | null> = {};
  private packed: Uint8Array;
  private layered = false;
  private size: Size = { width: 1, height: 1 };
  private ratio = 1;
  private lost = false;
  private onLost = (event: Event) => {
    event.preventDefault();
    this.lost = true;
  };
  private onBack = () => {
    this.lost = false;
    this.setUp();
    this.restored();
  };

  /** Throws where WebGL 2 is missing. `restored` is called when a lost context is back: draw again. */
  constructor(
    private canvas: HTMLCanvasElement,
    private x: Float32Array,
    private y: Float32Array,
    private order: Uint32Array,
    private restored: () => void,
  ) {
    const gl = canvas.getContext("webgl2", { alpha: true, antialias: false, depth: false, stencil: false, premultipliedAlpha: true });
    if (!gl) throw new Error("WebGL 2 is missing");
    this.gl = gl;
    this.packed = new Uint8Array(order.length * 4);
    canvas.addEventListener("webglcontextlost", this.onLost);
    canvas.addEventListener("webglcontextrestored", this.onBack);
    this.setUp();
  }

  private setUp(): void {
    const { gl, order } = this;
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
      const shader = gl.createShader(kind)!;
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.bindAttribLocation(program, 0, "place");
    gl.bindAttribLocation(program, 1, "paint");
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(`shaders: ${gl.getProgramInfoLog(program)}`);
    gl.useProgram(program);
    this.program = program;
    for (const name of ["centre", "scale", "size", "opacity", "dim", "layer", "round_"]) this.at[name] = gl.getUniformLocation(program, name);
    const places = new Float32Array(order.length * 2);
    for (let k = 0; k < order.length; k++) {
      places[2 * k] = this.x[order[k]!]!;
      places[2 * k + 1] = this.y[order[k]!]!;
    }
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, places, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    this.paints = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.paints);
    gl.bufferData(gl.ARRAY_BUFFER, this.packed, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(1, 4, gl.UNSIGNED_BYTE, true, 0, 0);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  paint(colours: Uint8Array, ranks: Uint8Array, layered: boolean): void {
    const { packed, order } = this;
    for (let k = 0; k < order.length; k++) {
      const i = order[k]!;
      packed[4 * k] = colours[3 * i]!;
      packed[4 * k + 1] = colours[3 * i + 1]!;
      packed[4 * k + 2] = colours[3 * i + 2]!;
      packed[4 * k + 3] = ranks[i]! * 85;
    }
    this.layered = layered;
    if (this.lost) return;
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.paints);
    this.gl.bufferSubData(this.gl.ARRAY_BUFFER, 0, packed);
  }

  resize(size: Size, ratio: number): void {
    this.size = size;
    this.ratio = ratio;
    this.canvas.width = Math.max(1, Math.round(size.width * ratio));
    this.canvas.height = Math.max(1, Math.round(size.height * ratio));
  }

  draw(view: View, count: number, style: Style): void {
    if (this.lost) return;
    const { gl, at, size } = this;
    const point = style.point * this.ratio;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(style.ground[0] / 255, style.ground[1] / 255, style.ground[2] / 255, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(at.centre!, view.cx, view.cy);
    gl.uniform2f(at.scale!, (2 * view.scale) / size.width, (2 * view.scale) / size.height);
    gl.uniform1f(at.size!, point);
    gl.uniform1f(at.opacity!, style.opacity);
    gl.uniform3f(at.dim!, style.dim[0] / 255, style.dim[1] / 255, style.dim[2] / 255);
    gl.uniform1f(at.round_!, point >= 3 ? Math.min(1, 2 / point) : 0);
    for (const layer of this.layered ? [DIM, SHOWN, CHOSEN] : [0]) {
      gl.uniform1i(at.layer!, layer);
      gl.drawArrays(gl.POINTS, 0, count);
    }
  }

  dispose(): void {
    this.canvas.removeEventListener("webglcontextlost", this.onLost);
    this.canvas.removeEventListener("webglcontextrestored", this.onBack);
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
