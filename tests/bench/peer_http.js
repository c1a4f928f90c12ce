// pico-engine-core behind Node's own HTTP server: `node peer_http.js FOLDER`. Prints its port and an eci.
// It answers the two paths that are measured, and does nothing else: no log, no console, no policies beyond "all".
'use strict'
const fs = require('fs')
const http = require('http')
const path = require('path')
const leveldown = require('leveldown')
const { makeKrlLogger } = require('krl-stdlib')
const { PicoEngineCore, RulesetRegistryLoaderMem } = require('pico-engine-core')

const text = fs.readFileSync(path.join(__dirname, 'counter.krl'), 'utf8')
const engine = new PicoEngineCore({
  leveldown: leveldown(path.join(process.argv[2], 'db')),
  rsRegLoader: RulesetRegistryLoaderMem(async () => text),
  log: makeKrlLogger(() => {}),
  getPicoLogs: async () => []
})

const ALL = {
  tags: ['bench'],
  eventPolicy: { allow: [{ domain: '*', name: '*' }], deny: [] },
  queryPolicy: { allow: [{ rid: '*', name: '*' }], deny: [] }
}

async function answer (url) {
  const [, , eci, kind, first, second] = url.split('?')[0].split('/')
  if (kind === 'query') return engine.query({ eci, rid: first, name: second, args: {} })
  return engine.eventWait({ eci, domain: first, name: second, data: { attrs: {} }, time: 0 })
}

async function main () {
  await engine.start()
  const { ruleset } = await engine.rsRegistry.load('bench:counter')
  const rulesets = [{ rs: ruleset, config: { url: 'bench:counter' } }]
  const family = await engine.picoFramework.rootPico.newPico({ rulesets })
  const { id } = await engine.picoFramework.getPico(family).newChannel(ALL)
  const server = http.createServer(async (request, response) => {
    try {
      const body = JSON.stringify(await answer(request.url))
      response.setHeader('content-type', 'application/json')
      response.end(body)
    } catch (error) {
      response.statusCode = 500
      response.end(JSON.stringify({ error: String(error) }))
    }
  })
  server.listen(0, '127.0.0.1', () => console.log(`${server.address().port} ${id}`))
}

main()
