// At the studio: the whole house, or what belongs to the client who is signed in.

const KEY = 'tradehall.acting'

export const acting = $state<{ who: 'house' | 'client'; login: string | null }>({
  who: localStorage.getItem(KEY) === 'client' ? 'client' : 'house',
  login: sessionStorage.getItem('tradehall.login'),
})

export function actAs(who: 'house' | 'client'): void {
  acting.who = who
  localStorage.setItem(KEY, who)
}

/** Somebody signed in, or out (null). */
export function signedIn(login: string | null): void {
  acting.login = login
  if (login === null) sessionStorage.removeItem('tradehall.login')
  else sessionStorage.setItem('tradehall.login', login)
}
