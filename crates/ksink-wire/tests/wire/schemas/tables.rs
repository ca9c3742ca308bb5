//! Every table against the facts: names, order, types, versions, nullability, tags and defaults.

use ksink_wire::{
    ApiKey, Request, Response,
    schema::{Kind, Schema},
};

use super::facts::{Api, Field, Side, normal_default};

/// The facts about what this crate reads and writes.
pub(crate) fn known() -> Vec<(ApiKey, Api)> {
    let with_key = |api: Api| ApiKey::from_key(api.key).map(|key| (key, api));
    Api::all().into_iter().filter_map(with_key).collect()
}

#[test]
fn every_api_is_in_the_facts_with_both_sides() {
    assert_eq!(known().len(), 2 * ApiKey::ALL.len());
}

#[test]
fn every_table_says_what_kafka_says() {
    for (key, api) in known() {
        assert_eq!(key.name(), api.name);
        assert_eq!(first_difference(key, &api), None, "{} {:?}", api.name, api.side);
    }
}

#[test]
fn versions_and_their_flexibility_are_those_of_kafka() {
    for (key, api) in known() {
        for version in -2..=api.versions.end() + 2 {
            let expected = api.versions.contains(&version).then(|| api.is_flexible(version));
            let ours = key.version(version).map(|version| version.flexible);
            assert_eq!(ours, expected, "{key} {version}");
        }
        assert_eq!(key.first_flexible(), api.flexible.clone().next(), "{key}");
    }
}

#[test]
fn a_table_that_is_off_by_one_version_cannot_pass() {
    for (key, api) in known() {
        for row in 0..api.rows.len() {
            let mut wrong = api.clone();
            let versions = &mut wrong.rows[row].versions;
            *versions = versions.start() + 1..=*versions.end();
            assert!(first_difference(key, &wrong).is_some(), "{key} {:?}", wrong.rows[row]);
        }
    }
}

#[test]
fn the_documented_versions_are_those_that_are_decoded() {
    let mut table = String::from("| key | API | versions | flexible from |\n|---|---|---|---|\n");
    for api in ApiKey::ALL {
        let flexible =
            api.first_flexible().map_or_else(|| "never".to_owned(), |first| first.to_string());
        table += &format!("| {} | {api} | {} | {flexible} |\n", api.key(), api.versions());
    }
    assert_eq!(
        include_str!("../../../src/messages/versions.md"),
        table,
        "the table should be:\n{table}"
    );
}

/// The first version in which the table and the facts differ, with both.
fn first_difference(key: ApiKey, api: &Api) -> Option<(i16, Vec<Field>, Vec<Field>)> {
    let table = match api.side {
        Side::Request => Request::kind(key),
        Side::Response => Response::kind(key),
    };
    api.versions
        .clone()
        .map(|version| (version, fields_of(&table, version), api.fields(version)))
        .find(|(_, ours, theirs)| ours != theirs)
}

/// The fields of a structure, or of an array's elements, as one version has them.
fn fields_of(kind: &Kind, version: i16) -> Vec<Field> {
    match kind {
        Kind::Array(inner) | Kind::Nullable(inner) => fields_of(inner, version),
        Kind::Struct(Schema { fields, .. }) => fields
            .iter()
            .filter(|field| field.versions.contains(version))
            .map(|field| Field {
                name: field.name,
                kind: kind_name(&field.kind, field.nullable.contains(version)),
                tag: field.tag,
                default: field.default.and_then(normal_default),
                fields: fields_of(&field.kind, version),
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn kind_name(kind: &Kind, nullable: bool) -> String {
    match kind {
        Kind::Bool => "boolean".to_owned(),
        Kind::Int8 => "int8".to_owned(),
        Kind::Int16 => "int16".to_owned(),
        Kind::Int32 => "int32".to_owned(),
        Kind::Int64 => "int64".to_owned(),
        Kind::Uint16 => "uint16".to_owned(),
        Kind::Float64 => "float64".to_owned(),
        Kind::Uuid => "uuid".to_owned(),
        Kind::String => "string".to_owned(),
        Kind::Bytes => "bytes".to_owned(),
        Kind::Struct(_) => "struct".to_owned(),
        Kind::Array(element) => format!("[]{}", kind_name(element, false)),
        Kind::Nullable(value) => kind_name(value, false) + if nullable { "?" } else { "" },
    }
}
