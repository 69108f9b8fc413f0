//! The rows, each with its types, against what is said of their operations.

use std::collections::BTreeMap;

use coze_types::endpoint::{BodyKind, Streaming};
use coze_types::files::FilePart;
use coze_types::{Endpoint, Info, RowVisitor, status};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::compare::{Misfit, compare};
use crate::finding::{Fault, Finding, Part};
use crate::reference::{MatrixRow, Operation, page_name, route};
use crate::report::Report;
use crate::shape::Shape;

/// Compares all rows, and names the operations that have none.
pub(crate) fn compare_all(operations: &[Operation], matrix: &[MatrixRow], report: &mut Report) {
    let mut visitor = Visitor {
        operations: operations
            .iter()
            .filter(|operation| !operation.is_web_socket())
            .map(|operation| (operation.route.as_str(), operation))
            .collect(),
        report,
    };
    coze_types::visit(&mut visitor);

    let rows: BTreeMap<String, &Info> = coze_types::endpoints()
        .map(|row| (route_of(row), row))
        .collect();
    for operation in operations.iter().filter(|it| !it.is_web_socket()) {
        report.operation(&operation.title, rows.contains_key(&operation.route));
    }
    for row in matrix.iter().filter(|row| row.official) {
        // The sources name parameters differently; one call has one title.
        let operation = operations.iter().find(|it| it.route == row.route);
        let title = operation.map_or(&row.title, |operation| &operation.title);
        report.matrix_row(title, rows.contains_key(&row.route));
    }
    for (route, row) in &rows {
        let described = operations.iter().any(|it| it.route == *route);
        if !described && !matrix.iter().any(|it| it.route == *route) {
            report.row(&title(row), row.name);
            let note = "no source knows the call".to_owned();
            report.find(&title(row), "", Fault::Unknown, note);
        }
    }
}

fn route_of(row: &Info) -> String {
    route(row.method.as_str(), row.path)
}

fn title(row: &Info) -> String {
    format!("{} {}", row.method, row.path)
}

struct Visitor<'a> {
    operations: BTreeMap<&'a str, &'a Operation>,
    report: &'a mut Report,
}

impl RowVisitor for Visitor<'_> {
    fn row<E: Endpoint>(&mut self) {
        let Some(operation) = self.operations.get(route_of(E::INFO).as_str()) else {
            return;
        };
        self.report.row(&operation.title, E::INFO.name);
        let findings = check_info(E::INFO, operation);
        self.report.add(&operation.title, findings);
        if !operation.is_described() {
            return;
        }

        let query = compare(Part::Query, &operation.query, round_trip::<E::Query>);
        self.report.compared(&operation.title, Part::Query, query);
        if let Some(body) = &operation.body
            && E::INFO.body != BodyKind::None
        {
            let (mut body, mut files) = (body.clone(), 0);
            if E::INFO.body == BodyKind::Multipart {
                files = take_file::<E>(&mut body, &operation.query);
            }
            let mut compared = compare(Part::Body, &body, round_trip::<E::Body>);
            compared.fields += files;
            self.report.compared(&operation.title, Part::Body, compared);
        }
        if let Some(reply) = &operation.reply
            && E::INFO.streaming != Streaming::Always
            && E::INFO.media.is_none()
        {
            let compared = compare(Part::Reply, reply, reply_round_trip::<E>);
            self.report
                .compared(&operation.title, Part::Reply, compared);
        }
    }
}

/// The file of a form has no place in JSON: its key is checked by putting a file in.
fn take_file<E: Endpoint>(body: &mut Shape, query: &Shape) -> usize {
    let Shape::Object(fields) = body else {
        return 0;
    };
    let Some(place) = fields.iter().position(|field| field.name == "file") else {
        return 0;
    };
    let file = fields.remove(place);
    let value = Shape::Object(fields.clone()).sample();
    let made = read::<E::Query>(&query.sample()).and_then(|query| {
        let mut row = E::from_parts(&|_| String::new(), query, read(&value)?);
        row.set_file(FilePart {
            file_name: "speech.wav".to_owned(),
            ..FilePart::default()
        });
        Ok(row.file().map(|file| file.file_name.clone()))
    });
    match made {
        Ok(Some(name)) if name == "speech.wav" => 1,
        // It is compared like other fields, and found missing.
        _ => {
            fields.push(file);
            0
        }
    }
}

fn read<T: DeserializeOwned>(sample: &Value) -> Result<T, Misfit> {
    status::decode(sample.to_string().as_bytes()).map_err(|error| Misfit {
        at: error.at.to_string(),
        why: error.source.to_string(),
    })
}

fn written<T: Serialize>(value: &T) -> Result<Value, Misfit> {
    serde_json::to_value(value).map_err(|error| Misfit {
        at: String::new(),
        why: format!("not written: {error}"),
    })
}

fn round_trip<T: Serialize + DeserializeOwned>(sample: &Value) -> Result<Value, Misfit> {
    written(&read::<T>(sample)?)
}

/// A reply with the envelope around it.
fn reply_round_trip<E: Endpoint>(sample: &Value) -> Result<Value, Misfit> {
    let status: status::Status = read(sample)?;
    let mut value = written(&status)?;
    let reply = written(&read::<E::Reply>(sample)?)?;
    match (&mut value, reply) {
        (Value::Object(value), Value::Object(reply)) => value.extend(reply),
        (_, reply) => value = reply,
    }
    Ok(value)
}

/// What a row says of itself.
fn check_info(row: &Info, operation: &Operation) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |field: &str, fault, note| {
        let field = field.to_owned();
        findings.push(Finding { field, fault, note });
    };
    if let Some(permission) = &operation.permission
        && !row.permission.split(" + ").any(|given| given == permission)
    {
        let note = format!("{permission:?} is described, {:?} given", row.permission);
        find("", Fault::Permission, note);
    }
    let page = page_name(row.page().unwrap_or_default());
    if !operation.pages.contains(&page) {
        let note = format!("{:?} are described, {page:?} given", operation.pages);
        find("", Fault::Page, note);
    }
    for name in &operation.headers {
        if row.header.is_none_or(|(given, _)| given != name) {
            let field = format!("header.{name}");
            find(&field, Fault::Missing, "it is not sent".to_owned());
        }
    }
    if !operation.is_described() {
        return findings;
    }
    let given = match (row.streaming, row.media) {
        (Streaming::Always, _) => "a stream",
        (_, Some(_)) => "bytes",
        _ => "JSON",
    };
    if operation.reply.is_some() != (given == "JSON") {
        let described = operation.reply.as_ref().map_or("no JSON", |_| "JSON");
        let note = format!("{described} is described, {given} given");
        find("reply", Fault::Kind, note);
    }
    match (&operation.body, row.body) {
        (Some(_), BodyKind::Multipart) => {
            let note = "JSON is described, a form given".to_owned();
            find("body", Fault::Kind, note);
        }
        (Some(_), BodyKind::None) => find("body", Fault::Missing, "there is no body".to_owned()),
        _ => {}
    }
    findings
}
