//! Tables: each row becomes a text that names its columns.

use std::io::Cursor;

use calamine::{DataRef, Reader, Xlsx};
use serde_json::{Map, Value};

use super::{LONGEST, plain, too_long};

/// What is read of a table at most.
const ROWS: usize = 20_000;
const COLUMNS: usize = 1_000;

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
    super::docx::check_size(bytes)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    let mut rows = Vec::new();
    for name in book.sheet_names() {
        let mut table = Table {
            taken: rows.len(),
            ..Table::default()
        };
        // Cell by cell: a sheet with one cell far out would make a table of all cells before it.
        let mut cells = match book.worksheet_cells_reader(&name) {
            Ok(cells) => cells,
            // A chart that has a sheet of its own.
            Err(calamine::XlsxError::NotAWorksheet(_)) => continue,
            Err(error) => return Err(broken(&error)),
        };
        let mut open: (u32, Vec<String>) = (0, Vec::new());
        while let Some(cell) = cells.next_cell().map_err(|error| broken(&error))? {
            let (row, column) = cell.get_position();
            if row != open.0 {
                table.add(std::mem::take(&mut open.1))?;
                open.0 = row;
            }
            let column = usize::try_from(column).unwrap_or(usize::MAX);
            if column >= COLUMNS {
                return Err(format!("the table has more than {COLUMNS} columns"));
            }
            if open.1.len() <= column {
                open.1.resize(column + 1, String::new());
            }
            open.1[column] = text_of(cell.get_value());
        }
        table.add(open.1)?;
        rows.extend(table.rows);
    }
    Ok(rows)
}

fn text_of(cell: &DataRef<'_>) -> String {
    match cell {
        DataRef::Empty | DataRef::Error(_) => String::new(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(truth) => truth.to_string(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::DateTime(date) if date.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
            let date = format!("{year:04}-{month:02}-{day:02}");
            match (hour, minute, second) {
                (0, 0, 0) => date,
                _ => format!("{date} {hour:02}:{minute:02}:{second:02}"),
            }
        }
        DataRef::DateTime(date) => date.as_f64().to_string(),
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
