//! What programs ask of their memory ([`calls`], [`mmap`], [`advice`], [`locking`]), and what becomes of them when there is no answer:
//! signals for faults ([`fault`], [`stuck`]), writes that are done [`later`], [`room`] that is made, and the [`victim`] that pays.

mod advice;
pub mod calls;
pub mod deferred;
pub mod fault;
pub mod locking;
mod mmap;
pub mod room;
pub mod victim;
