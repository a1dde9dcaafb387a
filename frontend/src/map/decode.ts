// The bytes of a map as the server and the report give them (runs/map.py describes them).

import type { Column, Group, Labels, MapData, Numbers } from "./data";

const MAGIC = "TAMISMAP";
const FORMAT = 1;

interface Told {
  name: string;
  kind: "place" | "id" | "category" | "cluster" | "number";
  type: "f32" | "u8" | "u16" | "u32";
  at: number;
  values?: (string | null)[];
  clusters?: ({ id: number; name: string | null; rows: number; x: number; y: number } | null)[];
  fates?: { outcome: string; step: string | null; reason: string | null; sentence: string | null }[];
  time?: boolean;
}

interface Header {
  format: number;
  run: string;
  layout: string;
  points: number;
  rows: number;
  without_place: number;
  view: string;
  columns: Told[];
}

const TYPES = { f32: Float32Array, u8: Uint8Array, u16: Uint16Array, u32: Uint32Array };

/** Throws an Error that says what is wrong with the bytes. */
export function decode(bytes: ArrayBuffer): MapData {
  if (bytes.byteLength < 12 || new TextDecoder().decode(new Uint8Array(bytes, 0, 8)) !== MAGIC) throw new Error("these bytes are no map");
  const long = new DataView(bytes).getUint32(8, true);
  if (12 + long > bytes.byteLength) throw new Error(`the map is cut off: its header has ${long} bytes, the file ${bytes.byteLength}`);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 12, long))) as Header;
  if (header.format !== FORMAT) throw new Error(`the map has format ${header.format}; this page reads ${FORMAT}`);
  const n = header.points;
  const read = (told: Told, each = 1) => {
    const kind = TYPES[told.type];
    if (told.at + n * each * kind.BYTES_PER_ELEMENT > bytes.byteLength) throw new Error(`the map is cut off in the column ${told.name}`);
    return new kind(bytes, told.at, n * each);
  };
  const named = (name: string) => {
    const told = header.columns.find((one) => one.name === name && (one.kind === "place" || one.kind === "id"));
    if (!told) throw new Error(`the map has no column ${name}`);
    return told;
  };
  const x = read(named("x")) as Float32Array;
  const y = read(named("y")) as Float32Array;
  const ids = read(named("id"), 4);
  const columns: Column[] = [];
  for (const told of header.columns) {
    if (told.kind === "cluster") columns.push(clusters(told, read(told)));
    else if (told.kind === "category" && told.fates) columns.push(...fates(told, told.fates, read(told)));
    else if (told.kind === "category") columns.push(category(told, read(told)));
    else if (told.kind === "number") columns.push(numbers(told, read(told) as Float32Array));
  }
  const grouped = columns.filter((one) => one.kind === "labels" && one.groups);
  const part = (word: number) => word.toString(16).padStart(8, "0");
  return {
    n, x, y, columns,
    groupColumn: grouped.at(-1)?.name ?? null,
    without: header.without_place,
    id: (k) => part(ids[4 * k]!) + part(ids[4 * k + 1]!) + part(ids[4 * k + 2]!) + part(ids[4 * k + 3]!),
  }; // prettier-ignore
}

type Codes = Float32Array | Uint8Array | Uint16Array | Uint32Array;

/** Codes of the values that are some; null ones become -1. */
function category(told: Told, codes: Codes): Labels {
  const values: string[] = [];
  const into = (told.values ?? []).map((value) => (value === null ? -1 : values.push(value) - 1));
  return { kind: "labels", name: told.name, title: told.name, values, codes: Int32Array.from(codes, (code) => into[code] ?? -1) };
}

function clusters(told: Told, codes: Codes): Labels {
  const groups: Group[] = [];
  const into = (told.clusters ?? []).map((one) =>
    one === null ? -1 : groups.push({ id: one.id, name: one.name ?? `cluster ${one.id}`, rows: one.rows, x: one.x, y: one.y }) - 1,
  );
  const values = groups.map((one) => one.name);
  return { kind: "labels", name: told.name, title: told.name, values, codes: Int32Array.from(codes, (code) => into[code] ?? -1), groups };
}

/** What became of a row, and which step and reason did it: two columns. */
function fates(told: Told, list: NonNullable<Told["fates"]>, codes: Codes): Labels[] {
  const outcomes = [...new Set(list.map((one) => one.outcome))];
  const into = list.map((one) => outcomes.indexOf(one.outcome));
  const plain: Labels = { kind: "labels", name: told.name, title: "fate", values: outcomes, codes: Int32Array.from(codes, (code) => into[code] ?? -1) };
  if (list.length < 3) return [plain];
  const why = category(told, codes);
  return [plain, { ...why, name: `${told.name} why`, title: "fate, by step and reason" }];
}

function numbers(told: Told, values: Float32Array): Numbers {
  return { kind: "numbers", name: told.name, title: told.name, values, time: told.time ?? false };
}
