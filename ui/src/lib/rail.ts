// The pages, in the order of the rail. Icons are paths of ours on a 24 x 24 field.
import Alerts from '../pages/Alerts.svelte'
import Audit from '../pages/Audit.svelte'
import Blotter from '../pages/Blotter.svelte'
import Budgets from '../pages/Budgets.svelte'
import Deployments from '../pages/Deployments.svelte'
import Keys from '../pages/Keys.svelte'
import Overview from '../pages/Overview.svelte'
import Scanners from '../pages/Scanners.svelte'
import SignIn from '../pages/SignIn.svelte'
import Strategies from '../pages/Strategies.svelte'
import Support from '../pages/Support.svelte'
import Trade from '../pages/Trade.svelte'
import type { PageEntry } from './pages'

export const PAGES: PageEntry[] = [
  { id: 'overview', label: 'Overview', key: 'o', icon: 'M4 13h6V4H4zM14 20h6v-9h-6zM14 8h6V4h-6zM4 20h6v-4H4z', page: Overview },
  { id: 'trade', label: 'Trade', key: 't', icon: 'M6 20V9M6 6V4M6 9H4v7h4V9zM12 20v-3M12 9V4M14 9h-4v8h4zM18 20v-6M18 7V4M20 7h-4v7h4z', page: Trade },
  { id: 'blotter', label: 'Blotter', key: 'f', icon: 'M4 6h16M4 12h16M4 18h10', page: Blotter },
  { id: 'strategies', label: 'Strategies', key: 'g', icon: 'M5 5h5v5H5zM14 14h5v5h-5zM7.5 10v4.5a2 2 0 0 0 2 2H14M14 7.5h5M16.5 5v5', page: Strategies },
  { id: 'deployments', label: 'Deployments', key: 'd', icon: 'M5 4v16l7-4 7 4V4M5 9h14', page: Deployments },
  { id: 'budgets', label: 'Budgets', key: 'u', icon: 'M4 7h16v10H4zM4 12h9M13 7v10', page: Budgets },
  { id: 'alerts', label: 'Alerts', key: 'e', icon: 'M6 16V10a6 6 0 0 1 12 0v6l2 2H4zM10 21h4', page: Alerts },
  { id: 'scanners', label: 'Scanners', key: 'r', icon: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5M8 11h6', page: Scanners },
  { id: 'audit', label: 'Audit trail', key: 'y', icon: 'M7 3h10v18l-5-3-5 3zM10 8h4M10 12h4', page: Audit },
  { id: 'keys', label: 'API keys', key: 'k', icon: 'M8 15a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM11.5 11H21v3M17 11v3', page: Keys },
  { id: 'support', label: 'Support', key: 'j', icon: 'M4 13v-2a8 8 0 0 1 16 0v2M4 13h3v6H5a1 1 0 0 1-1-1zM20 13h-3v6h2a1 1 0 0 0 1-1zM17 19c0 2-2 2-4 2', page: Support },
  { id: 'sign-in', label: 'Sign in', icon: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c1-4 4-6 8-6s7 2 8 6', page: SignIn },
]
