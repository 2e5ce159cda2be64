//! Reports: a table for the terminal, records for programs, a page for browsers.

pub mod html;
pub mod json;
pub mod latency;
pub mod profile;
pub mod sharing;
mod svg;
pub mod table;
