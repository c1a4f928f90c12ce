// Drives pico-engine-core in process: `node peer.js FOLDER`, a task a line as JSON, an answer a line.
// Picos, the ruleset and LevelDB are the engine's own; only the log goes nowhere.
'use strict'
const fs = require('fs')
const path = require('path')
const readline = require('readline')
const leveldown = require('leveldown')
const krlCompiler = require('krl-compiler')
const { makeKrlLogger } = require('krl-stdlib')
const { PicoEngineCore, RulesetRegistryLoaderMem } = require('pico-engine-core')

const URL_OF_RULESET = 'bench:counter'
const text = fs.readFileSync(path.join(__dirname, 'counter.krl'), 'utf8')

const log = makeKrlLogger(() => {})
const engine = new PicoEngineCore({
  leveldown: leveldown(path.join(process.argv[2], 'db')),
  rsRegLoader: RulesetRegistryLoaderMem(async () => text),
  log,
  getPicoLogs: async () => []
})

const ALL = {
  tags: ['bench'],
  eventPolicy: { allow: [{ domain: '*', name: '*' }], deny: [] },
  queryPolicy: { allow: [{ rid: '*', name: '*' }], deny: [] }
}

async function newPico () {
  const { ruleset } = await engine.rsRegistry.load(URL_OF_RULESET)
  const rulesets = [{ rs: ruleset, config: { url: URL_OF_RULESET } }]
  const family = await engine.picoFramework.rootPico.newPico({ rulesets })
  return (await engine.picoFramework.getPico(family).newChannel(ALL)).id
}

const raise = (eci, name, attrs = {}) =>
  engine.eventWait({ eci, domain: 'counter', name, data: { attrs }, time: 0 })
const query = (eci, name, args = {}) => engine.query({ eci, rid: 'counter', name, args })
const now = () => Number(process.hrtime.bigint()) / 1e9

let picos = []

async function atLeast (number) {
  while (picos.length < number) picos.push(await newPico())
}

const TASKS = {
  // Events a second of `callers` at once, each with a pico of its own.
  async events ({ callers, times }) {
    await atLeast(callers)
    const begun = now()
    await Promise.all(picos.slice(0, callers).map(async eci => {
      for (let i = 0; i < times; i++) await raise(eci, 'step')
    }))
    return callers * times / (now() - begun)
  },
  // Seconds for each of `times` queries.
  async query ({ name, args, times }) {
    await atLeast(1)
    const begun = now()
    for (let i = 0; i < times; i++) await query(picos[0], name, args)
    return (now() - begun) / times
  },
  // The slowest of the fastest `share` of queries, in seconds.
  async latency ({ times, share }) {
    await atLeast(1)
    const found = []
    for (let i = 0; i < times; i++) {
      const begun = now()
      await query(picos[0], 'steps')
      found.push(now() - begun)
    }
    return found.sort((a, b) => a - b)[Math.floor(times * share)]
  },
  // Seconds to compile a ruleset.
  async compile ({ text }) {
    const begun = now()
    krlCompiler(text)
    return now() - begun
  },
  // Seconds to schedule `number` events on a new pico, a turn each or all in one.
  async plan ({ number, together }) {
    const eci = await newPico()
    const at = new Date(Date.now() + 86400e3).toISOString()
    const begun = now()
    if (together) await raise(eci, 'plan_many', { at, number })
    else for (let i = 0; i < number; i++) await raise(eci, 'plan', { at, number: i })
    return now() - begun
  },
  // Seconds from the time that `number` events of one pico are due until the last of them was handled; null if
  // some were not after 30 seconds: its timer can wake a moment early, raise nothing, and not be set again.
  async due ({ number }) {
    const eci = await newPico()
    const due = Date.now() + 2000 + number * 20
    await raise(eci, 'plan_many', { at: new Date(due).toISOString(), number })
    if (Date.now() > due) throw new Error('scheduling took longer than was allowed for')
    while (await query(eci, 'steps') < number) {
      if (Date.now() > due + 30e3) return null
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    return (Date.now() - due) / 1000
  },
  // The most memory that the process has had, in MB.
  async memory () {
    return process.resourceUsage().maxRSS / 1024
  }
}

async function main () {
  await engine.start()
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const order = JSON.parse(line)
    let answer
    try {
      answer = { value: await TASKS[order.task](order) }
    } catch (error) {
      answer = { error: String(error && error.message ? error.message : error) }
    }
    process.stdout.write(JSON.stringify(answer) + '\n')
  }
}

main()
