// A stock Fortune.js with its JSON:API serializer, on a free port, whose URL is the first line of the output.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'

const require = createRequire(process.argv[2])
const fortune = require('fortune')
const serve = require('fortune-http')
const jsonApi = require('fortune-json-api')

const store = fortune({
  post: {
    title: String,
    wordCount: Number,
    author: ['author', 'posts'],
    comments: [Array('comment'), 'post'],
  },
  author: { name: String, posts: [Array('post'), 'author'] },
  comment: { body: String, post: ['post', 'comments'] },
})

const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

// Ids as an adapter makes them: texts with characters that a path must not hold as they are.
const idOf = n => `post/${String(n).padStart(2, '0')}+=`

await store.create('author', [1, 2, 3].map(n => ({ id: `author ${n}`, name: `Author ${n}` })))
await store.create('post', numbers(1, 25).map(n => (
  { id: idOf(n), title: `Post ${n}`, wordCount: 100 * n, author: `author ${n % 3 + 1}` })))
await store.create('comment', numbers(1, 25).flatMap(n => numbers(1, n === 1 ? 12 : 2).map(m => (
  { id: `comment-${n}-${m}`, body: `Comment ${m} on ${n}`, post: idOf(n) }))))

// The same below /cut, where no response has more than ten records: it cuts related lists too, without a link to the rest.
const whole = serve(store, { serializers: [[jsonApi]] })
const cut = serve(store, { serializers: [[jsonApi, { prefix: '/cut', maxLimit: 10 }]] })
const server = createServer((request, response) => (
  (request.url.startsWith('/cut/') ? cut : whole)(request, response).catch(() => {})))
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
