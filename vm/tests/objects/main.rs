//! Memory objects: hashing, the graph of extents, builders, data caps and the page cache.

mod builder;
mod codec;
mod datacap;
mod deep;
mod handles;
mod hash;
mod identity;
mod model;
mod page_cache;
mod threads;
mod vectors;
