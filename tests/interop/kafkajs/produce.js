// kafkajs: one producer a cell, its defaults otherwise. It brings gzip, and leaves the other codecs to
// packages of other people. Run with the path of a plan.

'use strict'

const { readFileSync } = require('node:fs')

// The harness installs the packages elsewhere, and names the place in NODE_PATH.
const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = require('kafkajs')
const lz4 = require('lz4js')
const { ZstdCodec } = require('zstd-codec')

CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy')
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async encoder => Buffer.from(lz4.compress(encoder.buffer)),
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: encoder =>
    new Promise(resolve =>
      ZstdCodec.run(zstd => resolve(Buffer.from(new zstd.Simple().compress(encoder.buffer))))
    ),
})

const acks = { 0: 0, 1: 1, all: -1 }

const codecs = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
}

async function answer(bootstrap, cell) {
  try {
    const done = { cell: cell.name, result: 'ok', detail: '', refused: {} }
    if (cell.script !== null) {
      say({ ...done, failed: await follow(bootstrap, cell) })
    } else if (cell.admin !== null) {
      say({ ...done, seen: await administer(bootstrap, cell.admin) })
    } else {
      say({ ...done, refused: await send(bootstrap, cell) })
    }
  } catch (error) {
    say({ cell: cell.name, result: 'error', detail: String(error), refused: {} })
  }
}

// Gives what became of the records that were refused, by their place in the plan.
async function send(bootstrap, cell) {
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.ERROR })
  const producer = kafka.producer(cell.idempotent === null ? {} : { idempotent: cell.idempotent })
  const refused = {}
  await producer.connect()
  try {
    if (!cell.one_by_one) {
      await deliver(producer, cell, cell.records)
      return refused
    }
    for (const [place, record] of cell.records.entries()) {
      await deliver(producer, cell, [record]).catch(error => (refused[place] = String(error)))
    }
  } finally {
    await producer.disconnect()
  }
  return refused
}

async function deliver(producer, cell, records) {
  const topics = new Map(records.map(record => [record.topic, []]))
  for (const record of records) {
    topics.get(record.topic).push(toMessage(record))
  }
  await producer.sendBatch({
    topicMessages: Array.from(topics, ([topic, messages]) => ({ topic, messages })),
    ...(cell.acks !== null && { acks: acks[cell.acks] }),
    ...(cell.compression !== null && { compression: codecs[cell.compression] }),
  })
}

// Takes every step of the script, also after one that failed, and gives the failures by the step's place.
async function follow(bootstrap, cell) {
  const producers = {}
  const failed = {}
  for (const [place, step] of cell.script.entries()) {
    await take(step, producers, bootstrap, cell).catch(error => (failed[place] = String(error)))
  }
  for (const { producer } of Object.values(producers)) {
    await producer.disconnect()
  }
  return failed
}

// A producer with a transactional id asks for its producer id with its first transaction.
async function take(step, producers, bootstrap, cell) {
  const own = producers[step.producer]
  switch (step.step) {
    case 'open': {
      const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.ERROR })
      const timeout = step.timeout_ms !== null && { transactionTimeout: step.timeout_ms }
      const producer = kafka.producer({ transactionalId: step.id, idempotent: true, maxInFlightRequests: 1, ...timeout })
      await producer.connect()
      producers[step.producer] = { producer }
      return
    }
    case 'begin':
      own.transaction = await own.producer.transaction()
      return
    case 'send':
      return deliver(own.transaction, cell, cell.records.slice(step.from, step.to))
    case 'commit':
      return own.transaction.commit()
    case 'abort':
      return own.transaction.abort()
    case 'wait':
      return new Promise(resolve => setTimeout(resolve, step.ms))
    default:
      throw new Error(`there is no such step: ${step.step}`)
  }
}

// Does what there is to administer, and gives what it saw.
async function administer(bootstrap, { topic, partitions, more_partitions, retention_ms }) {
  const admin = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).admin({ retry: { retries: 0 } })
  const configEntries = [{ name: 'retention.ms', value: retention_ms }]
  const wanted = { topic, numPartitions: partitions, replicationFactor: 1, configEntries }
  const copied = { topic: `${topic}-copied`, numPartitions: 1, replicationFactor: 2 }
  const create = wanted => admin.createTopics({ topics: [wanted], waitForLeaders: false })
  const grow = count => admin.createPartitions({ topicPartitions: [{ topic, count }] })
  const remove = () => admin.deleteTopics({ topics: [topic] })
  const count = async () => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length
  const isListed = async () => (await admin.listTopics()).includes(topic)
  await admin.connect()
  try {
    const seen = { cluster: (await admin.describeCluster()).clusterId }
    if (!(await create(wanted))) throw new Error('there is such a topic already')
    // That a topic exists is no error here, but false.
    seen.created_again = (await create(wanted)) ? 0 : 36
    seen.two_replicas = await codeOf(create(copied))
    seen.listed = await isListed()
    seen.partitions = await count()
    const described = await admin.describeConfigs({ resources: [{ type: 2, name: topic }] })
    const setting = ({ configName }) => configName === 'retention.ms'
    seen.retention_ms = described.resources[0].configEntries.find(setting).configValue
    seen.fewer_partitions = await codeOf(grow(1))
    await grow(more_partitions)
    seen.more_partitions = await count()
    await remove()
    seen.deleted_again = await codeOf(remove())
    seen.listed_after_deletion = await isListed()
    return seen
  } finally {
    await admin.disconnect()
  }
}

async function codeOf(call) {
  try {
    await call
    return 0
  } catch (error) {
    // A code that it would try again for comes as the cause of its giving up.
    return (error.errors?.[0] ?? error.cause ?? error).code
  }
}

function toMessage(record) {
  return {
    key: bytes(record.key),
    value: bytes(record.value),
    headers: toHeaders(record.headers),
    ...(record.partition !== null && { partition: record.partition }),
    ...(record.timestamp_ms !== null && { timestamp: String(record.timestamp_ms) }),
  }
}

// An object: the values of one name are together, whatever stood between them.
function toHeaders(headers) {
  const byName = {}
  for (const [name, value] of headers) {
    byName[name] = [...(byName[name] ?? []), bytes(value)]
  }
  return byName
}

function bytes(base64) {
  return base64 === null ? null : Buffer.from(base64, 'base64')
}

function say(line) {
  console.log(JSON.stringify(line))
}

async function main() {
  const plan = JSON.parse(readFileSync(process.argv[2], 'utf8'))
  say({ version: `kafkajs ${require('kafkajs/package.json').version}` })
  for (const cell of plan.cells) {
    await answer(plan.bootstrap, cell)
  }
}

main()
