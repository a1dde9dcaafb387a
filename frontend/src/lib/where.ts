// Putting values into a filter. Names with dots are quoted, quotes doubled, as SQL wants it.

/** `"source.language" = 'en'` */
export function equals(column: string, value: unknown): string {
  const name = /^[A-Za-z_][A-Za-z0-9_]*$/.test(column) ? column : `"${column.replaceAll('"', '""')}"`;
  if (value === null || value === undefined) return `${name} IS NULL`;
  if (typeof value === "number") return `${name} = ${value}`;
  if (typeof value === "boolean") return `${name} = ${value ? "true" : "false"}`;
  return `${name} = '${String(value).replaceAll("'", "''")}'`;
}

/** Both must hold. */
export function and(where: string, more: string): string {
  if (!where.trim()) return more;
  if (where.includes(more)) return where;
  const whole = /\bor\b/i.test(where) ? `(${where.trim()})` : where.trim();
  return `${whole} AND ${more}`;
}
