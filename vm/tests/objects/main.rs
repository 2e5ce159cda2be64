//! Memory objects: hashing, the graph of extents, builders, data caps and the page cache.

mod hash;
mod model;
mod vectors;
