//! Memory of programs: the door to it ([`user`]), address spaces ([`space`]), the objects behind mappings ([`object`]) and the
//! frames of immutable content ([`page_cache`]), faults ([`fault`]), and the calls that change mappings ([`calls`], [`mmap`], [`advice`]) and keep pages present ([`locking`]). When memory is
//! short, [`reclaim`] has [`evict`] send pages to [`swap`].

mod advice;
pub mod calls;
pub mod evict;
pub mod fault;
pub mod held;
pub mod later;
pub mod locking;
mod mmap;
pub mod names;
pub mod object;
pub mod page_cache;
pub mod reclaim;
pub mod space;
pub mod spaces;
pub mod stuck;
pub mod swap;
pub mod user;
pub mod victim;
