// Pages by hash: works behind any path prefix and needs nothing of the server.

function read(): { page: string; rest: string[]; query: URLSearchParams } {
  const [path = '', search = ''] = location.hash.replace(/^#\/?/, '').split('?')
  const [page = '', ...rest] = path.split('/').map(decodeURIComponent)
  return { page: page || 'overview', rest, query: new URLSearchParams(search) }
}

export const route = $state(read())

addEventListener('hashchange', () => Object.assign(route, read()))

export function go(page: string, ...rest: string[]): void {
  location.hash = ['#', page, ...rest.map(encodeURIComponent)].join('/')
}
