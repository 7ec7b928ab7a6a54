// The official SDK's decoding, asked as the contenders of decoders.py are: node decoders.mjs MODULE FOLDER

import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const { denormalize } = await import(process.argv[2])
const folder = process.argv[3]

let sink
const decode = (body) => denormalize(JSON.parse(body))
const touch = (data) => {
  for (const wallet of Array.isArray(data) ? data : [data]) {
    for (const name in wallet) sink = wallet[name]
    for (const related of [wallet.customer, wallet.payment_source]) {
      if (related) for (const name in related) sink = related[name]
    }
  }
}

// Microseconds of CPU: of the whole process, so the compiler's and the collector's threads count.
const cpu = () => {
  const { user, system } = process.cpuUsage()
  return user + system
}

const cpuOf = (call, seconds) => {
  call()
  let began = cpu()
  call()
  const once = Math.max(cpu() - began, 1)
  const times = Math.max(1, Math.floor((seconds * 1e6) / once))
  began = cpu()
  for (let n = 0; n < times; n++) call()
  return (cpu() - began) / times
}

const bodies = new Map()
for await (const line of createInterface({ input: process.stdin })) {
  const { document, what, seconds } = JSON.parse(line)
  if (!bodies.has(document)) bodies.set(document, readFileSync(`${folder}/${document}.json`))
  const body = bodies.get(document)
  if (what === 'keep') {
    const parsed = JSON.parse(body)
    const many = parsed.data.length + (parsed.included ?? []).length
    const kept = []
    decode(body)
    const before = process.memoryUsage().rss
    for (let n = 0; n < Math.floor(100_000 / many); n++) kept.push(decode(body))
    console.log((process.memoryUsage().rss - before) / (kept.length * many))
  } else {
    console.log(cpuOf(what === 'decode' ? () => decode(body) : () => touch(decode(body)), seconds))
  }
}
