//! Memory of programs: the door to it, the objects behind mappings, faults.

pub mod object;
pub mod user;
