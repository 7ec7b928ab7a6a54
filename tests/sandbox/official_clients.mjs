// The official JavaScript clients, asked as their documentation shows: node official_clients.mjs MODULES < credentials
//
// What each call gave is written as one JSON object; an error as { error, status, code }.

import { readFileSync } from 'node:fs'

const { CommerceLayer } = await import(`${process.argv[2]}/@commercelayer/sdk/lib/bundle.js`)
const auth = await import(`${process.argv[2]}/@commercelayer/js-auth/dist/index.mjs`)
const { url, domain, integration, salesChannel, webapp, customer, code } = JSON.parse(readFileSync(0, 'utf8'))

// They ask https://<organization>.<domain> and https://auth.<domain>; the sandbox is on loopback, without TLS.
const asked = new Set()
const fetched = globalThis.fetch
globalThis.fetch = (address, options) => {
  const { origin, pathname, search } = new URL(address)
  asked.add(origin)
  return fetched(url + pathname + search, options)
}

const answers = {}
const ask = async (name, call) => {
  try {
    answers[name] = await call()
  } catch (error) {
    answers[name] = { error: error.name, status: error.status, code: error.errors?.[0]?.code }
  }
  return answers[name]
}
const claimed = (answer) => ({ ...answer, claims: auth.jwtDecode(answer.accessToken).payload })
const granted = async (name, grant, options) =>
  ask(name, async () => {
    const answer = await auth.authenticate(grant, { domain, ...options })
    return answer.errors ? answer : claimed(answer)
  })

// 1. Every grant of js-auth, verification and revocation.
const own = await granted('integration', 'client_credentials', integration)
const guest = await granted('guest', 'client_credentials', { clientId: salesChannel.clientId, scope: 'market:code:eu' })
const { email: username, password } = customer
const signedIn = await granted('password', 'password', { clientId: salesChannel.clientId, username, password })
const { refreshToken } = signedIn
await granted('refreshed', 'refresh_token', { clientId: salesChannel.clientId, refreshToken })
await granted('refreshedTwice', 'refresh_token', { clientId: salesChannel.clientId, refreshToken })
await granted('code', 'authorization_code', { ...webapp, code, redirectUri: 'https://shop.example/back' })
const claim = 'https://commercelayer.io/claims'
const owner = { type: 'Customer', id: customer.id }
const assertion = await auth.createAssertion({ payload: { [claim]: { owner, custom_claim: { name: 'Ada' } } } })
await granted('assertion', 'urn:ietf:params:oauth:grant-type:jwt-bearer', { ...salesChannel, assertion })
const empty = await auth.createAssertion({ payload: { [claim]: {} } })
await granted('emptyAssertion', 'urn:ietf:params:oauth:grant-type:jwt-bearer', { ...webapp, assertion: empty })
await granted('wrongSecret', 'client_credentials', { ...integration, clientSecret: 'x' })
await granted('wrongPassword', 'password', { clientId: salesChannel.clientId, username, password: 'x' })
await ask('verified', async () => (await auth.jwtVerify(own.accessToken)).payload.application.kind)
await ask('base', () => auth.getCoreApiBaseEndpoint(own.accessToken))

const items = new Map()
const storage = {
  getItem: async (key) => items.get(key) ?? null,
  setItem: async (key, value) => items.set(key, value),
  removeItem: async (key) => items.delete(key),
}
const shop = auth.makeSalesChannel({ clientId: salesChannel.clientId, domain, scope: 'market:all' }, { storage })
await ask('shopGuest', async () => (await shop.getAuthorization()).ownerType)
await ask('shopCustomer', async () => {
  await shop.setCustomer({ ...signedIn, accessToken: answers.refreshed.accessToken, scope: 'market:all' })
  return (await shop.getAuthorization()).ownerType
})
await ask('loggedOut', () => shop.logoutCustomer())

// 2. The SDK, which takes the organization and the domain from the token.
const cl = CommerceLayer({ accessToken: own.accessToken })
const wallets = cl.customer_payment_sources
const ids = (found) => found.map(({ id }) => id)
await ask('retrieved', () => wallets.retrieve('xYZkjABcde'))
await ask('included', () => wallets.retrieve('xYZkjABcde', { include: ['customer', 'payment_source', 'payment_method'] }))
await ask('sparse', () => wallets.retrieve('xYZkjABcde', { fields: { customer_payment_sources: ['name'] } }))
await ask('related', () => wallets.customer('xYZkjABcde'))
await ask('relatedMany', async () => ids(await cl.customers.customer_payment_sources(customer.id)))
await ask('listed', async () => {
  const page = await wallets.list({ pageSize: 5, pageNumber: 2, sort: { created_at: 'asc' } })
  return { ids: ids(page), ...page.meta, next: page.hasNextPage() }
})
await ask('sorted', async () => (await wallets.list({ pageSize: 25, sort: ['-created_at'] })).map((each) => each.created_at))
await ask('filtered', async () => ids(await wallets.list({ filters: { id_in: ['xYZkjABcde'], created_at_lt: '2019-01-01' } })))
await ask('walked', async () => {
  const found = []
  for (let last = ''; ; ) {
    const page = await wallets.list({ pageSize: 25, sort: ['id'], filters: last ? { id_gt: last } : {} })
    if (page.length === 0) return found
    found.push(...ids(page))
    last = found.at(-1)
  }
})
await ask('counted', () => wallets.count())
await ask('missing', () => wallets.retrieve('aaaaaaaaaa'))
await ask('notFilterable', () => wallets.list({ filters: { nothing_eq: 'x' } }))
await ask('ofCustomer', async () => ids(await CommerceLayer({ accessToken: signedIn.accessToken }).customer_payment_sources.list()))
await ask('revoked', async () => {
  const body = await auth.revoke({ ...integration, token: own.accessToken })
  try {
    await wallets.retrieve('xYZkjABcde')
  } catch (error) {
    return { body, status: error.status, code: error.errors[0].code }
  }
})

console.log(JSON.stringify({ ...answers, asked: [...asked].sort() }))
