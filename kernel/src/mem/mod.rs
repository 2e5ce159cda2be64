//! Memory of programs: the door to it ([`user`]), address spaces ([`space`]), the objects behind mappings ([`object`]) and the
//! frames of immutable content ([`page_cache`]), and faults ([`fault`]). When memory is short, [`reclaim`] has [`evict`] send pages to [`swap`].

pub mod above;
pub mod evict;
pub mod fault;
pub mod held;
pub mod names;
pub mod object;
pub mod page_cache;
pub mod reclaim;
mod remote;
pub mod space;
pub mod spaces;
pub mod swap;
mod torus;
pub mod user;

pub use remote::{NoFrame, RemotePages};
pub use torus::{Kept, OfTorus};
