//! SQLite as its own command line runs it: `sqlite3 DATABASE [SQL]`, or the SQL on standard input; columns are separated
//! by `|`.

use std::io::{BufWriter, Read, Write};
use std::process::ExitCode;

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::types::ValueRef;
use rusqlite::{Batch, Connection};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [database, sql @ ..] = &arguments[..] else {
        eprintln!("usage: sqlite3 DATABASE [SQL]");
        return ExitCode::FAILURE;
    };
    match run(database, sql.first()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(database: &str, sql: Option<&String>) -> Result<(), Box<dyn std::error::Error>> {
    let sql = match sql {
        Some(sql) => sql.clone(),
        None => {
            let mut sql = String::new();
            std::io::stdin().read_to_string(&mut sql)?;
            sql
        }
    };
    let connection = Connection::open(database)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut batch = Batch::new(&connection, &sql);
    while let Some(mut statement) = batch.next()? {
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                if column > 0 {
                    out.write_all(b"|")?;
                }
                write(&mut out, row.get_ref(column)?)?;
            }
            out.write_all(b"\n")?;
        }
    }
    Ok(out.flush()?)
}

fn write(out: &mut impl Write, value: ValueRef<'_>) -> std::io::Result<()> {
    match value {
        ValueRef::Null => Ok(()),
        ValueRef::Integer(number) => write!(out, "{number}"),
        ValueRef::Real(number) => write!(out, "{number:?}"),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => out.write_all(bytes),
    }
}
