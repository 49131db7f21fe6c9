// Where the link of a password reset leads: the token in the address is traded in for a new password.
const form = document.querySelector('form')
const button = form.querySelector('button')
const said = document.querySelector('[role=status]')
const fresh = document.getElementById('new')
const again = document.getElementById('again')
const token = new URLSearchParams(location.search).get('token') ?? ''
// Neither the history nor anybody who looks over a shoulder shall keep it.
history.replaceState(null, '', location.pathname)

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  if (fresh.value !== again.value) {
    said.textContent = 'The two are not the same.'
    return
  }
  button.disabled = true
  said.textContent = await completed()
  button.disabled = false
})

async function completed() {
  try {
    const answer = await fetch('/api/support/v1/password-resets/complete', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, new_password: fresh.value }),
    })
    if (answer.status === 404) return 'This link was used before, or its time is over: ask for a new one.'
    if (!answer.ok) return `It did not work: ${(await answer.json()).error.message}.`
    form.hidden = true
    return 'You have a new password. Whoever was signed in as you is signed out.'
  } catch {
    return 'The server cannot be reached: try again in a moment.'
  }
}
