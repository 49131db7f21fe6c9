/** One more page of a list that grows at its head: what has slipped over from the page before is not shown twice. */
export function appended<Row>(rows: Row[], more: Row[], key: (row: Row) => string): Row[] {
  const known = new Set(rows.map(key))
  return [...rows, ...more.filter((row) => !known.has(key(row)))]
}
