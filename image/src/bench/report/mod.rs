//! Reports: a table for the terminal, records for programs, a page for browsers.

pub mod json;
pub mod table;
