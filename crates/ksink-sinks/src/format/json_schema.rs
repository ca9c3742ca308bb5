//! What jsonl writes, as a JSON Schema (draft-07).

use super::timestamp::JsonTimestamp;

/// The JSON Schema (draft-07) of one line of jsonl, as text without a final newline.
///
/// It describes exactly what is written with timestamps in this style, whatever the other options are.
pub fn json_schema(timestamp: JsonTimestamp) -> String {
    let timestamp = match timestamp {
        JsonTimestamp::Rfc3339 => RFC_3339,
        JsonTimestamp::Millis => MILLIS,
        JsonTimestamp::Go => GO,
    };
    SCHEMA.replace("@timestamp", timestamp)
}

const RFC_3339: &str = r#""type": "string",
      "format": "date-time",
      "pattern": "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$""#;

const MILLIS: &str = r#""type": "integer""#;

const GO: &str = r#""type": "string",
      "pattern": "^\\d{4}-\\d{2}-\\d{2} \\d{2}:\\d{2}:\\d{2}(\\.\\d{1,3})? \\+0000 UTC$""#;

const SCHEMA: &str = r##"{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "ksink JSON message",
  "description": "One line of ksink's jsonl format: one record.",
  "type": "object",
  "required": ["topic", "partition", "offset", "value", "value_encoding", "client_addr"],
  "properties": {
    "topic": {
      "description": "The topic that the record was produced to.",
      "type": "string",
      "pattern": "^[a-zA-Z0-9._-]{1,249}$"
    },
    "partition": {
      "description": "The partition, from 0.",
      "type": "integer",
      "minimum": 0,
      "maximum": 2147483647
    },
    "offset": {
      "description": "The offset that the record was given in its partition.",
      "type": "integer",
      "minimum": 0
    },
    "key": {
      "description": "The key. Absent when it is null.",
      "type": "string"
    },
    "key_encoding": {
      "description": "base64 where the key is not UTF-8, or where base64 was asked for.",
      "type": "string",
      "enum": ["utf-8", "base64"]
    },
    "value": {
      "description": "The value; null for a tombstone.",
      "type": ["string", "null"]
    },
    "value_encoding": {
      "description": "base64 where the value is not UTF-8, or where base64 was asked for.",
      "type": "string",
      "enum": ["utf-8", "base64"]
    },
    "headers": {
      "description": "Of each name the last value, where both are UTF-8. Absent when there are none.",
      "type": "object",
      "minProperties": 1,
      "additionalProperties": { "type": "string" }
    },
    "headers_raw": {
      "description": "All headers in their order, as name and value. Absent when headers says as much.",
      "type": "array",
      "minItems": 1,
      "items": {
        "type": "array",
        "minItems": 2,
        "maxItems": 2,
        "items": [
          {
            "description": "The name, as text or, where it is not UTF-8, in base64.",
            "anyOf": [
              { "type": "string" },
              {
                "type": "object",
                "required": ["base64"],
                "properties": { "base64": { "$ref": "#/definitions/base64" } },
                "additionalProperties": false
              }
            ]
          },
          {
            "description": "The value in base64, or null.",
            "anyOf": [{ "$ref": "#/definitions/base64" }, { "type": "null" }]
          }
        ]
      }
    },
    "timestamp": {
      "description": "The record's timestamp. Absent when it has none, or none that can be written so.",
      @timestamp
    },
    "client_addr": {
      "description": "The address of the producer's end of the connection.",
      "type": "string",
      "pattern": "^([0-9.]+|\\[[0-9a-f:.]+(%[0-9]+)?\\]):[0-9]{1,5}$"
    },
    "transactional_id": {
      "description": "The producer's transactional id. Absent for a record outside of a transaction.",
      "type": "string"
    }
  },
  "additionalProperties": false,
  "dependencies": {
    "key": ["key_encoding"],
    "key_encoding": ["key"]
  },
  "allOf": [
    {
      "if": {
        "required": ["key_encoding"],
        "properties": { "key_encoding": { "const": "base64" } }
      },
      "then": { "properties": { "key": { "$ref": "#/definitions/base64" } } }
    },
    {
      "if": { "properties": { "value_encoding": { "const": "base64" } } },
      "then": { "properties": { "value": { "$ref": "#/definitions/base64" } } }
    }
  ],
  "definitions": {
    "base64": {
      "type": "string",
      "contentEncoding": "base64",
      "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
    }
  }
}"##;
