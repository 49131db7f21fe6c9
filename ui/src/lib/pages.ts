import type { Component } from 'svelte'

/** A page of the rail: its name in the address, its label, an icon's path, the key that opens it. */
export interface PageEntry {
  id: string
  label: string
  icon: string
  key?: string
  page: Component
}
