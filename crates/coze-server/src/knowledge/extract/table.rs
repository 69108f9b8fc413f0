//! Tables: each row becomes a text that names its columns.

use std::io::Cursor;

use calamine::{Data, Reader};
use serde_json::{Map, Value};

use super::{LONGEST, plain, too_long};

/// The longest row and the most rows that are read.
const ROWS: usize = 20_000;

/// The first line has the names of the columns.
pub(super) fn csv(bytes: &[u8]) -> Result<Vec<String>, String> {
    let text = plain::decode(bytes)?;
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [b',', b'\t', b';']
        .into_iter()
        .max_by_key(|it| (first.bytes().filter(|byte| byte == it).count(), *it == b','))
        .unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut table = Table::default();
    for record in reader.records() {
        let record = record.map_err(|error| format!("the table cannot be read: {error}"))?;
        table.add(record.iter().map(str::to_owned).collect())?;
    }
    Ok(table.rows)
}

/// Every sheet, each with the names of the columns in its first row.
pub(super) fn sheet(bytes: &[u8]) -> Result<Vec<String>, String> {
    let broken = |error: &dyn std::fmt::Display| format!("the workbook cannot be read: {error}");
    if bytes.starts_with(b"PK") {
        super::docx::unpacked_size(bytes)?;
    }
    let mut book =
        calamine::open_workbook_auto_from_rs(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    let mut rows = Vec::new();
    for name in book.sheet_names() {
        let range = book
            .worksheet_range(&name)
            .map_err(|error| broken(&error))?;
        let mut table = Table {
            taken: rows.len(),
            ..Table::default()
        };
        for row in range.rows() {
            table.add(row.iter().map(cell).collect())?;
        }
        rows.extend(table.rows);
    }
    Ok(rows)
}

fn cell(cell: &Data) -> String {
    match cell {
        Data::Empty | Data::Error(_) => String::new(),
        Data::DateTime(date) if date.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
            let date = format!("{year:04}-{month:02}-{day:02}");
            match (hour, minute, second) {
                (0, 0, 0) => date,
                _ => format!("{date} {hour:02}:{minute:02}:{second:02}"),
            }
        }
        other => other.to_string(),
    }
}

/// A list of objects.
pub(super) fn json(bytes: &[u8]) -> Result<Vec<String>, String> {
    let rows: Vec<Map<String, Value>> = serde_json::from_slice(bytes)
        .map_err(|error| format!("it is no JSON list of objects: {error}"))?;
    let mut table = Table::default();
    for row in rows {
        let cells = row.into_iter().map(|(name, value)| match value {
            Value::String(text) => (name, text),
            Value::Null => (name, String::new()),
            other => (name, other.to_string()),
        });
        table.push(cells)?;
    }
    Ok(table.rows)
}

#[derive(Default)]
struct Table {
    names: Option<Vec<String>>,
    rows: Vec<String>,
    /// Rows of other sheets.
    taken: usize,
    length: usize,
}

impl Table {
    fn add(&mut self, cells: Vec<String>) -> Result<(), String> {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return Ok(());
        }
        let Some(names) = &self.names else {
            self.names = Some(cells);
            return Ok(());
        };
        let names = names.clone();
        let named = cells.into_iter().enumerate().map(|(at, cell)| {
            let name = names.get(at).map(|it| it.trim()).unwrap_or_default();
            let name = match name {
                "" => format!("column {}", at + 1),
                name => name.to_owned(),
            };
            (name, cell)
        });
        self.push(named)
    }

    fn push(&mut self, cells: impl Iterator<Item = (String, String)>) -> Result<(), String> {
        let cells = cells.filter(|(_, cell)| !cell.trim().is_empty());
        let lines = cells.map(|(name, cell)| format!("{name}: {}", cell.trim()));
        let row = lines.collect::<Vec<_>>().join("\n");
        self.length += row.len();
        if self.length > LONGEST {
            return Err(too_long());
        }
        if self.taken + self.rows.len() >= ROWS {
            return Err(format!("the table has more than {ROWS} rows"));
        }
        self.rows.push(row);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_name_their_columns() {
        fn check(text: &str, expected: &[&str]) {
            assert_eq!(csv(text.as_bytes()).unwrap(), expected, "{text}");
        }
        check(
            "名称,价格\n茶,3\n\"a,b\",\n",
            &["名称: 茶\n价格: 3", "名称: a,b"],
        );
        check("a;b\r\n1;2\r\n\r\n", &["a: 1\nb: 2"]);
        check("a\tb\n1\t2\t3\n", &["a: 1\nb: 2\ncolumn 3: 3"]);
        check("only names\n", &[]);
        check("", &[]);
    }

    #[test]
    fn json_rows_are_objects() {
        let rows = json(r#"[{"name":"茶","price":3,"note":null}]"#.as_bytes()).unwrap();
        assert_eq!(rows, ["name: 茶\nprice: 3"]);
        assert!(json(b"[1]").unwrap_err().contains("list of objects"));
    }

    #[test]
    fn what_is_no_workbook_says_so() {
        for bytes in [
            &b"PK\x03\x04 but no archive"[..],
            b"",
            b"no workbook at all",
        ] {
            assert!(sheet(bytes).unwrap_err().contains("cannot be read"));
        }
    }
}
