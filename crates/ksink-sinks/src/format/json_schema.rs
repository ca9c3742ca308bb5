//! What jsonl writes, as a JSON Schema (draft-07).

use serde_json::{Value, json};

use super::timestamp::JsonTimestamp;

/// The JSON Schema (draft-07) of one line of jsonl, as text without a final newline.
///
/// It describes what is written with these timestamps, whatever the other options are.
pub fn json_schema(timestamp: JsonTimestamp) -> String {
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "ksink JSON message",
        "description": "One line that ksink writes with --output-format jsonl.",
        "type": "object",
        "required": ["topic", "partition", "offset", "value", "value_encoding", "client_addr"],
        "additionalProperties": false,
        "properties": {
            "topic": {
                "description": "The topic that the record was produced to.",
                "type": "string",
                "pattern": "^[a-zA-Z0-9._-]{1,249}$",
            },
            "partition": {
                "description": "The partition, from 0.",
                "type": "integer",
                "minimum": 0,
                "maximum": i32::MAX,
            },
            "offset": {
                "description": "The offset that the record was given in its partition.",
                "type": "integer",
                "minimum": 0,
            },
            "key": {
                "description": "The key; absent when it is null.",
                "type": "string",
            },
            "key_encoding": encoding("key"),
            "value": {
                "description": "The value; null for a tombstone.",
                "type": ["string", "null"],
            },
            "value_encoding": encoding("value"),
            "headers": {
                "description": "The last value of each header's name, where both are UTF-8. Absent when there are none.",
                "type": "object",
                "minProperties": 1,
                "additionalProperties": { "type": "string" },
            },
            "headers_raw": headers_raw(),
            "timestamp": timestamp_schema(timestamp),
            "client_addr": {
                "description": "The address of the producer's end of the connection.",
                "type": "string",
                "pattern": "^([0-9.]+|\\[[0-9a-f:.]+(%[0-9]+)?\\]):[0-9]{1,5}$",
            },
        },
        "dependencies": { "key": ["key_encoding"], "key_encoding": ["key"] },
        "allOf": [base64_where_said("key"), base64_where_said("value"), null_is_utf_8()],
    });
    serde_json::to_string_pretty(&schema).expect("a value always has a text")
}

fn encoding(of: &str) -> Value {
    json!({
        "description": format!("How the {of} is written: as text, or, where it is not UTF-8 or the operator asked for it, in base64."),
        "type": "string",
        "enum": ["utf-8", "base64"],
    })
}

const BASE64_PATTERN: &str = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$";

fn base64() -> Value {
    json!({ "type": "string", "contentEncoding": "base64", "pattern": BASE64_PATTERN })
}

fn headers_raw() -> Value {
    let name = json!({
        "anyOf": [
            { "type": "string" },
            {
                "type": "object",
                "required": ["base64"],
                "additionalProperties": false,
                "properties": { "base64": base64() },
            },
        ],
    });
    let value = json!({ "anyOf": [base64(), { "type": "null" }] });
    json!({
        "description": "All headers in their order, each as its name and its value in base64 or null. Absent when headers says it all.",
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "array",
            "items": [name, value],
            "minItems": 2,
            "maxItems": 2,
        },
    })
}

fn timestamp_schema(style: JsonTimestamp) -> Value {
    let description =
        "When the record was made, as its producer says. Absent when it does not say.";
    match style {
        JsonTimestamp::Rfc3339 => json!({
            "description": description,
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$",
        }),
        JsonTimestamp::Millis => json!({
            "description": format!("{description} In milliseconds since the epoch."),
            "type": "integer",
        }),
        JsonTimestamp::Go => json!({
            "description": description,
            "type": "string",
            "pattern": r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,3})? \+0000 UTC$",
        }),
    }
}

fn base64_where_said(of: &str) -> Value {
    let encoding = format!("{of}_encoding");
    json!({
        "if": { "required": [encoding], "properties": { encoding: { "const": "base64" } } },
        "then": { "properties": { of: base64() } },
    })
}

fn null_is_utf_8() -> Value {
    json!({
        "if": { "properties": { "value": { "type": "null" } } },
        "then": { "properties": { "value_encoding": { "const": "utf-8" } } },
    })
}
