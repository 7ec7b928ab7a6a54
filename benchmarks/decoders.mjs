// The official SDK's decoding, asked as the contenders of decoders.py are: node decoders.mjs MODULE FOLDER

import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const { denormalize } = await import(process.argv[2])
const folder = process.argv[3]
const KEPT = 50_000
// Seconds for which its compiler sees the code at work before a call is timed.
const WARM_UP = 0.5

let sink
const record = (a) => [a.created_at, a.updated_at, a.reference, a.reference_origin, a.metadata]
const touch = (data) => {
  for (const wallet of Array.isArray(data) ? data : [data]) {
    sink = [wallet.id, wallet.name, wallet.customer_token, wallet.payment_source_token, record(wallet)]
    const { customer, payment_source: payment } = wallet
    if (customer?.email) {
      sink = [customer.email, customer.status, customer.has_password, customer.total_orders_count]
      sink = [customer.shopper_reference, customer.profile_id, customer.tax_exemption_code, record(customer)]
    }
    if (payment?.stripe_id) {
      sink = [payment.stripe_id, payment.client_secret, payment.charge_id, payment.publishable_key]
      sink = [payment.options, payment.payment_method, payment.mismatched_amounts, payment.payment_instrument]
      sink = record(payment)
    }
  }
}

const decode = (body) => denormalize(JSON.parse(body))
const calls = {
  read: (body) => { sink = decode(body) },
  'touched without links': (body) => touch(decode(body)),
}

// Seconds of CPU: of the whole process, so the compiler's and the collector's threads count.
const timed = (call, times) => {
  const cpu = process.cpuUsage()
  const began = process.hrtime.bigint()
  for (let n = 0; n < times; n++) call()
  const wall = Number(process.hrtime.bigint() - began) / 1e9
  const { user, system } = process.cpuUsage(cpu)
  return [(user + system) / 1e6 / times, wall / times]
}

const times = new Map()
const sample = (key, call, seconds) => {
  if (!times.has(key)) {
    const began = process.hrtime.bigint()
    while (Number(process.hrtime.bigint() - began) / 1e9 < WARM_UP) call()
    times.set(key, Math.max(1, Math.floor(seconds / Math.max(timed(call, 3)[0], 1e-7))))
  }
  return timed(call, times.get(key))
}

const kept = (body) => {
  const parsed = JSON.parse(body)
  const many = parsed.data.length + (parsed.included ?? []).length
  const all = []
  decode(body)
  gc()
  const before = process.memoryUsage().rss
  for (let n = 0; n < Math.floor(KEPT / many); n++) all.push(decode(body))
  gc()
  return (process.memoryUsage().rss - before) / (all.length * many)
}

const bodies = new Map()
for await (const line of createInterface({ input: process.stdin })) {
  const { document, what, seconds } = JSON.parse(line)
  if (!bodies.has(document)) bodies.set(document, readFileSync(`${folder}/${document}.json`))
  const body = bodies.get(document)
  let found
  if (what === 'keep') found = kept(body)
  else if (what in calls) found = sample(`${document} ${what}`, () => calls[what](body), seconds)
  else found = 'no links'
  console.log(JSON.stringify(found))
}
