//! What reads bytes, by where it stands in the project.

pub(crate) mod files;
pub(crate) mod firmware;
pub(crate) mod loader;
pub(crate) mod objects;
pub(crate) mod programs;
