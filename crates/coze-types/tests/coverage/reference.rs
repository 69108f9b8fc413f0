//! The two descriptions that the rows are held against: the vendor's operations and the matrix of
//! what each official SDK has.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::shape::{Field, Presence, Shape};

/// Where the descriptions lie: third-party data beside the repository, never part of it.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/coze-api")
}

/// A method and a path in which parameters have no names, since sources name them differently.
pub(crate) fn route(method: &str, path: &str) -> String {
    let segments = path.split('/').map(|segment| {
        let parameter = segment.starts_with('{') && segment.ends_with('}');
        if parameter { "{}" } else { segment }
    });
    format!("{method} {}", segments.collect::<Vec<_>>().join("/"))
}

/// An operation of the vendor's description.
#[derive(Debug)]
pub(crate) struct Operation {
    /// `POST /v3/chat`, with the names of its parameters.
    pub(crate) title: String,
    /// See [`route`].
    pub(crate) route: String,
    /// The permission, where one is named.
    pub(crate) permission: Option<String>,
    /// The names of its official pages.
    pub(crate) pages: Vec<String>,
    /// Headers that other operations do not have.
    pub(crate) headers: Vec<String>,
    pub(crate) query: Shape,
    pub(crate) body: Option<Shape>,
    pub(crate) reply: Option<Shape>,
}

impl Operation {
    /// A GET that opens a WebSocket; the description shows it by having nothing but a path.
    pub(crate) fn is_web_socket(&self) -> bool {
        matches!(
            self.route.as_str(),
            "GET /v1/chat" | "GET /v1/audio/speech" | "GET /v1/audio/transcriptions"
        )
    }

    /// Some operations are named and not described: their page has no table that could be read.
    pub(crate) fn is_described(&self) -> bool {
        self.body.is_some() || self.reply.is_some() || self.query != Shape::object(Vec::new())
    }
}

/// The operations of `openapi.json`.
pub(crate) fn operations(openapi: &Value) -> Vec<Operation> {
    let components = &openapi["components"]["schemas"];
    let mut operations = Vec::new();
    for (path, methods) in openapi["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let method = method.to_ascii_uppercase();
            let schema = |holder: &Value, request| {
                let schema = &holder["content"]["application/json"]["schema"];
                (!schema.is_null()).then(|| Shape::read(schema, components, request))
            };
            let text = |key: &str| operation[key].as_str().map(str::to_owned);
            let mut pages = list(&operation["x-also"]);
            pages.extend(text("x-coze-source"));
            operations.push(Operation {
                title: format!("{method} {path}"),
                route: route(&method, path),
                // The Chinese word for "none".
                permission: text("x-coze-permission").filter(|name| name != "无"),
                pages: pages.iter().map(|page| page_name(page)).collect(),
                headers: headers(&operation["parameters"]),
                query: query(&operation["parameters"], components),
                body: schema(&operation["requestBody"], true),
                reply: schema(&operation["responses"]["200"], false),
            });
        }
    }
    operations
}

fn list(values: &Value) -> Vec<String> {
    let values = values.as_array().into_iter().flatten();
    values
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect()
}

/// The last part of an address, which is the name of the page in every spelling of it.
pub(crate) fn page_name(address: &str) -> String {
    let name = address.trim_end_matches('/').rsplit('/').next();
    name.unwrap_or_default()
        .trim_end_matches(".yaml")
        .to_owned()
}

fn headers(parameters: &Value) -> Vec<String> {
    let parameters = parameters.as_array().into_iter().flatten();
    let headers = parameters.filter(|parameter| parameter["in"] == "header");
    headers
        .filter_map(|header| header["name"].as_str())
        .filter(|name| !matches!(*name, "Authorization" | "Content-Type"))
        .map(str::to_owned)
        .collect()
}

/// The query parameters as one object. A list goes as text, its elements joined by commas.
fn query(parameters: &Value, components: &Value) -> Shape {
    let parameters = parameters.as_array().into_iter().flatten();
    let parameters = parameters.filter(|parameter| parameter["in"] == "query");
    let field = |parameter: &Value| Field {
        name: parameter["name"].as_str().unwrap_or_default().to_owned(),
        presence: match parameter["required"].as_bool() {
            Some(true) => Presence::Required,
            _ => Presence::Optional,
        },
        shape: match Shape::read(&parameter["schema"], components, true) {
            Shape::List(_) => Shape::Text,
            shape => shape,
        },
    };
    Shape::object(parameters.map(field).collect())
}

/// A row of the matrix.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MatrixRow {
    /// `POST /v3/chat`, with the names of its parameters.
    pub(crate) title: String,
    /// See [`route`].
    pub(crate) route: String,
    /// Whether one of the vendor's three SDKs has it.
    pub(crate) official: bool,
}

/// The REST rows of the matrix at the end of `extended.md`: the table whose heading begins with
/// `| # | Group | Method | Path | coze-py | coze-go | coze-js |`.
pub(crate) fn matrix(text: &str) -> Vec<MatrixRow> {
    let mut rows = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        match cells.as_slice() {
            [
                "",
                "#",
                "Group",
                "Method",
                "Path",
                "coze-py",
                "coze-go",
                "coze-js",
                ..,
            ] => {
                inside = true;
            }
            ["", number, _, method, path, py, go, js, ..]
                if inside && number.parse::<u32>().is_ok() =>
            {
                if *method == "WS" {
                    continue;
                }
                let path = path.trim_matches('`');
                rows.push(MatrixRow {
                    title: format!("{method} {path}"),
                    route: route(method, path),
                    official: [py, go, js].iter().any(|cell| cell.starts_with("yes")),
                });
            }
            // The line of dashes and the totals.
            ["", _, ..] => {}
            _ => inside = false,
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_parameters_do_not_matter() {
        assert_eq!(
            route("GET", "/v1/bots/{bot_id}/versions"),
            route("GET", "/v1/bots/{id}/versions")
        );
        assert_ne!(route("GET", "/v1/bots/{id}"), route("PUT", "/v1/bots/{id}"));
    }

    #[test]
    fn the_matrix_is_read_without_web_sockets() {
        let rows = matrix(
            "| # | Group | Method | Path | coze-py | coze-go | coze-js | coze-studio | Note |\n\
             |---|---|---|---|---|---|---|---|---|\n\
             | 1 | Chat | POST | `/v3/chat` | yes | no | no | yes |  |\n\
             | 2 | Chat | WS | `/v1/chat` | yes | yes | yes | no |  |\n\
             | 3 | Apps | GET | `/v1/apps/{id}` | no | no | yes (chat-sdk) | yes |  |\n\
             | 4 | Apps | PUT | `/v1/apps/{id}` | no | no | no | yes | doc |\n\
             | | **Total 4** | | | **1** | | | | |\n\
             \n\
             | 5 | Another | GET | `/table` | yes | yes | yes |\n",
        );
        let seen: Vec<_> = rows
            .iter()
            .map(|row| (row.title.as_str(), row.official))
            .collect();
        assert_eq!(
            seen,
            [
                ("POST /v3/chat", true),
                ("GET /v1/apps/{id}", true),
                ("PUT /v1/apps/{id}", false),
            ]
        );
    }
}
