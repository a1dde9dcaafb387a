// The bytes of a map, as the server and the report give them.

import { type MapData } from "./data";

export function decode(_bytes: ArrayBuffer): MapData {
  throw new Error("not yet");
}
