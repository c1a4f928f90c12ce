// pico-engine-core behind the libraries of the peer's own server, which npm does not have in its present
// generation: `node peer_http.js FOLDER`. Prints its port and an eci.
// As that server does, it hardens each answer (helmet), looks for static files, reads bodies, gives the
// headers to the event as an attribute, and writes each line of the log to a file and to the screen
// (stderr here, since stdout says the port). It has no console, and no policies beyond "all".
'use strict'
const fs = require('fs')
const path = require('path')
const bodyParser = require('body-parser')
const express = require('express')
const helmet = require('helmet')
const leveldown = require('leveldown')
const rotating = require('rotating-file-stream')
const { makeKrlLogger } = require('krl-stdlib')
const { PicoEngineCore, RulesetRegistryLoaderMem } = require('pico-engine-core')

const text = fs.readFileSync(path.join(__dirname, 'counter.krl'), 'utf8')
const home = process.argv[2]
const logged = rotating.createStream('peer.log', { path: home, size: '100M', maxFiles: 12 })
const engine = new PicoEngineCore({
  leveldown: leveldown(path.join(home, 'db')),
  rsRegLoader: RulesetRegistryLoaderMem(async () => text),
  log: makeKrlLogger(line => {
    process.stderr.write(line)
    logged.write(line)
  }),
  getPicoLogs: async () => []
})

const ALL = {
  tags: ['bench'],
  eventPolicy: { allow: [{ domain: '*', name: '*' }], deny: [] },
  queryPolicy: { allow: [{ rid: '*', name: '*' }], deny: [] }
}

const given = request => ({ ...request.query, ...request.body, _headers: request.headers })

function asked (request) {
  const { eci, first, second } = request.params
  return engine.query({ eci, rid: first, name: second, args: given(request) })
}

function raised (request) {
  const { eci, first, second } = request.params
  return engine.eventWait({ eci, domain: first, name: second, data: { attrs: given(request) }, time: 0 })
}

const answering = answer => (request, response, next) =>
  answer(request).then(told => response.json(told)).catch(next)

async function main () {
  await engine.start()
  const { ruleset } = await engine.rsRegistry.load('bench:counter')
  const rulesets = [{ rs: ruleset, config: { url: 'bench:counter' } }]
  const family = await engine.picoFramework.rootPico.newPico({ rulesets })
  const { id } = await engine.picoFramework.getPico(family).newChannel(ALL)
  const site = express()
  fs.mkdirSync(path.join(home, 'public'))
  site.use(helmet())
  site.use(express.static(path.join(home, 'public')))
  site.use(bodyParser.json())
  site.use(bodyParser.urlencoded({ limit: '512mb', extended: false }))
  site.all('/c/:eci/event-wait/:first/:second', answering(raised))
  site.all('/c/:eci/query/:first/:second', answering(asked))
  const server = site.listen(0, '127.0.0.1', () => console.log(`${server.address().port} ${id}`))
}

main()
