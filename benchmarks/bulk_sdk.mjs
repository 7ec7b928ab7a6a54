// The official SDK, asked as the contenders of bulk_readers.py are: node bulk_sdk.mjs MODULE WAY URL, and the ids

import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const { CommerceLayer } = await import(process.argv[2])
const [way, url, folder] = process.argv.slice(3)
const ids = readFileSync(`${folder}/ids`, 'utf8').split('\n')
const PAGE = 25
const AT_ONCE = way === 'list' ? 8 : 10

// The SDK always asks https://<organization>.<domain>; its option `fetch` takes it to loopback.
const local = (asked, options) => fetch(url + String(asked).replace(/^https:\/\/[^/]+/, ''), options)
const accessToken = `eyJhbGciOiJSUzUxMiJ9.${'x'.repeat(300)}.${'y'.repeat(86)}`
const cl = CommerceLayer({ organization: 'yourdomain', domain: 'commercelayer.io', accessToken, fetch: local })

let sink
const use = (wallet) => {
  sink = wallet.name
  sink = wallet.customer.email
  sink = wallet.payment_source.stripe_id
}

const include = ['customer', 'payment_source']
const list = async (chunk) =>
  cl.customer_payment_sources.list({ filters: { id_in: chunk.join(',') }, include, pageSize: PAGE })
const retrieve = async (chunk) => [await cl.customer_payment_sources.retrieve(chunk[0], { include })]
const ask = way === 'list' ? list : retrieve
const step = way === 'list' ? PAGE : 1

const read = async (wanted, using) => {
  let next = 0
  let found = 0
  const work = async () => {
    while (next < wanted) {
      const chunk = ids.slice(next, Math.min(next + step, wanted))
      next += step
      for (const wallet of await ask(chunk)) {
        found++
        if (using) use(wallet)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  if (found !== wanted) throw new Error(`${found} wallets of ${wanted}`)
}

const peak = () => {
  const found = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))
  return found ? found[1] / 1024 : 0
}
const watch = () => {
  try {
    writeFileSync('/proc/self/clear_refs', '5')
    const start = peak()
    return () => Math.max(0, peak() - start)
  } catch {
    return () => null
  }
}

const measured = async (wanted, using) => {
  const growth = watch()
  const cpu = process.cpuUsage()
  const began = process.hrtime.bigint()
  await read(wanted, using)
  const wall = Number(process.hrtime.bigint() - began) / 1e9
  const { user, system } = process.cpuUsage(cpu)
  return [(user + system) / 1e6 / wanted, wall / wanted, growth()]
}

// Longer than the others: its compiler wants to see the code at work.
await read(Math.min(ids.length, 40 * PAGE), true)
const [, each] = await measured(2 * PAGE, true)
console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  const { seconds, use: using } = JSON.parse(line)
  const most = Math.floor(seconds / each)
  console.log(JSON.stringify(await measured(Math.min(ids.length, Math.max(2 * PAGE, most)), using)))
}
