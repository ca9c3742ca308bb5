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
    say({ cell: cell.name, result: 'ok', detail: '', refused: await send(bootstrap, cell) })
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
