//! Reports: a table for the terminal, records for programs, a page for browsers.

pub mod html;
pub mod json;
mod svg;
pub mod table;
