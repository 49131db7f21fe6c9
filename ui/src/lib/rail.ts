// The pages, in the order of the rail. Icons are paths of ours on a 24 x 24 field.
import Audit from '../pages/Audit.svelte'
import Blotter from '../pages/Blotter.svelte'
import Budgets from '../pages/Budgets.svelte'
import Overview from '../pages/Overview.svelte'
import SignIn from '../pages/SignIn.svelte'
import Trade from '../pages/Trade.svelte'
import type { PageEntry } from './pages'

export const PAGES: PageEntry[] = [
  { id: 'overview', label: 'Overview', key: 'o', icon: 'M4 13h6V4H4zM14 20h6v-9h-6zM14 8h6V4h-6zM4 20h6v-4H4z', page: Overview },
  { id: 'trade', label: 'Trade', key: 't', icon: 'M6 20V9M6 6V4M6 9H4v7h4V9zM12 20v-3M12 9V4M14 9h-4v8h4zM18 20v-6M18 7V4M20 7h-4v7h4z', page: Trade },
  { id: 'blotter', label: 'Blotter', key: 'f', icon: 'M4 6h16M4 12h16M4 18h10', page: Blotter },
  { id: 'budgets', label: 'Budgets', key: 'u', icon: 'M4 7h16v10H4zM4 12h9M13 7v10', page: Budgets },
  { id: 'audit', label: 'Audit trail', key: 'y', icon: 'M7 3h10v18l-5-3-5 3zM10 8h4M10 12h4', page: Audit },
  { id: 'sign-in', label: 'Sign in', icon: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c1-4 4-6 8-6s7 2 8 6', page: SignIn },
]
