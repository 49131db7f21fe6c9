import type { Amount } from './format'

/** A column of a Grid: what a cell says, and how. */
export interface Column<Row> {
  label: string
  /** The cell's text. */
  text: (row: Row) => string
  /** Right-aligned figures. */
  number?: boolean
  /** The figure whose sign colours the cell. */
  sign?: (row: Row) => Amount
  /** A class of the cell, where no sign decides it. */
  tone?: (row: Row) => string
  /** Width in CSS units; the rest share what is left. */
  width?: string
  /** Left out on narrow screens. */
  optional?: boolean
}
