// A stock jsonapi-server, which keeps what it serves in memory, on a free port: its URL is the first line of the output.
import { createRequire } from 'node:module'
import { createServer } from 'node:net'

const require = createRequire(process.argv[2])
const jsonApi = require('jsonapi-server')
const { Joi } = jsonApi

// It wants to know its port beforehand.
const port = await new Promise(resolve => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address()
    probe.close(() => resolve(port))
  })
})
jsonApi.setConfig({ protocol: 'http', hostname: '127.0.0.1', port, base: 'rest', meta: { copyright: 'nobody' } })

const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index)
const uuid = (kind, n) => `${String(kind).padStart(8, '0')}-0000-4000-8000-${String(n).padStart(12, '0')}`
const commentsOf = n => numbers(1, n === 1 ? 12 : 2).map(m => ({ type: 'comments', id: uuid(3, 100 * n + m) }))

jsonApi.define({
  resource: 'authors',
  handlers: new jsonApi.MemoryHandler(),
  attributes: { name: Joi.string() },
  examples: [1, 2, 3].map(n => ({ id: uuid(2, n), type: 'authors', name: `Author ${n}` })),
})
jsonApi.define({
  resource: 'comments',
  handlers: new jsonApi.MemoryHandler(),
  attributes: { body: Joi.string() },
  examples: numbers(1, 25).flatMap(n => commentsOf(n).map(({ type, id }, m) => (
    { type, id, body: `Comment ${m + 1} on ${n}` }))),
})
jsonApi.define({
  resource: 'posts',
  handlers: new jsonApi.MemoryHandler(),
  attributes: {
    title: Joi.string(),
    word_count: Joi.number(),
    author: Joi.one('authors'),
    comments: Joi.many('comments'),
  },
  examples: numbers(1, 25).map(n => ({
    id: uuid(1, n),
    type: 'posts',
    title: `Post ${n}`,
    word_count: 100 * n,
    author: { type: 'authors', id: uuid(2, n % 3 + 1) },
    comments: commentsOf(n),
  })),
})
jsonApi.start()
console.log(`http://127.0.0.1:${port}`)
