//! Runs every row of the tables in docs/tags.md.

use std::path::Path;

use stevedore::testing::RawMetadata;

use super::{event, resolve};

/// One row, its cells under the names of their columns.
struct Row {
    line: usize,
    cells: Vec<(String, String)>,
}

impl Row {
    /// The texts in backticks of one cell.
    fn texts(&self, column: &str) -> Vec<String> {
        let cell = self.cells.iter().find(|(name, _)| name == column);
        let cell = cell.map(|(_, cell)| cell.as_str()).unwrap_or_default();
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    }
}

fn rows(document: &str) -> Vec<Row> {
    let mut columns: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for (at, line) in document.lines().enumerate() {
        let Some(inner) = line
            .strip_prefix("| ")
            .and_then(|line| line.strip_suffix('|'))
        else {
            columns.clear();
            continue;
        };
        let cells: Vec<_> = inner
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect();
        if columns.is_empty() {
            columns = cells;
        } else if !cells.iter().all(|cell| cell == "---") {
            assert_eq!(cells.len(), columns.len(), "line {}: {line}", at + 1);
            let cells = columns.iter().cloned().zip(cells).collect();
            rows.push(Row {
                line: at + 1,
                cells,
            });
        }
    }
    rows
}

fn tags(row: &Row) -> Vec<String> {
    let name = row
        .texts("event")
        .pop()
        .unwrap_or_else(|| "push".to_owned());
    let context = event(&name, &row.texts("ref").pop().unwrap());
    let raw = RawMetadata {
        tags: &row.texts("rules").join("\n"),
        flavor: &row.texts("flavor").join("\n"),
        ..RawMetadata::default()
    };
    resolve(&raw, &context).unwrap().tags
}

#[test]
fn the_tables_are_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tags.md");
    let rows = rows(&std::fs::read_to_string(path).unwrap());
    assert!(rows.len() > 50, "{} rows", rows.len());
    let wrong: Vec<_> = rows
        .iter()
        .filter(|row| tags(row) != row.texts("tags"))
        .map(|row| {
            format!(
                "line {}: {:?}, we give {:?}",
                row.line,
                row.cells,
                tags(row)
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
