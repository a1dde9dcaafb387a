// Numbers as people read them; the same rules as in the report.

const whole = new Intl.NumberFormat("en-US");

export function count(value: number, word: string): string {
  return `${whole.format(value)} ${word}${value === 1 ? "" : "s"}`;
}

export function number(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (Number.isInteger(value)) return whole.format(value);
  const size = Math.abs(value);
  if (size >= 100) return whole.format(Math.round(value));
  if (size >= 10) return value.toFixed(1);
  return String(Number(value.toPrecision(3)));
}

/** A share; small ones keep a digit, only nothing is 0 % and only all of it 100 %. */
export function percent(part: number, all: number): string {
  if (!all) return "–";
  const share = (100 * part) / all;
  if (part === 0 || part === all) return `${share.toFixed(0)} %`;
  if (share < 0.1) return "< 0.1 %";
  if (share > 99.9) return "> 99.9 %";
  return `${share < 9.95 || share > 99 ? share.toFixed(1) : share.toFixed(0)} %`;
}

export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  const power = Math.min(4, Math.floor(Math.log10(value) / 3));
  return `${(value / 1000 ** power).toFixed(1)} ${["B", "kB", "MB", "GB", "TB"][power]}`;
}

export function seconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (value < 10) return `${value.toFixed(1)} s`;
  if (value < 60) return `${Math.round(value)} s`;
  const minutes = Math.round(value / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** 2026-11-27T04:20:11+00:00 as a time of day, with the date where it was another day. */
export function when(iso: string | null | undefined, now: Date = new Date()): string {
  const at = iso ? new Date(iso) : null;
  if (!at || Number.isNaN(at.getTime())) return iso ?? "";
  const time = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  return at.toDateString() === now.toDateString() ? time : `${at.toLocaleDateString("en-CA")} ${time}`;
}
