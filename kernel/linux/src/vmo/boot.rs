//! Files of the boot archive as objects: their pages where they lie, with the roots that came with them.

use super::supply::{Frames, Page};
use super::{Handle, Stop};
use alloc::sync::Arc;
use vm::hash::Digest;
use vm::store::VmoStore;
use vm::vmo::VmoError;
use vm::vmo::page::{OutOfPages, Page as Rooted, PageMemory, PageSupply};

/// The object of `bytes`, whose pages contribute `leaves`.
#[expect(clippy::disallowed_methods, reason = "reserved by the caller")]
pub(super) fn object(
    store: &VmoStore<Frames>,
    bytes: &'static [u8],
    leaves: &'static [[u8; 32]],
) -> Result<Handle, Stop> {
    let (whole, rest) = bytes.as_chunks::<4096>();
    let whole = whole.iter().map(Page::Boot);
    let last = if rest.is_empty() {
        None
    } else {
        let mut page = Frames.zeroed().map_err(VmoError::from)?;
        let to = page.bytes_mut().ok_or(OutOfPages).map_err(VmoError::from)?;
        to[..rest.len()].copy_from_slice(rest);
        Some(page)
    };
    let pages = whole.chain(last).zip(leaves);
    let pages = pages.map(|(page, leaf)| Arc::new(Rooted::vouched(page, Digest(*leaf))));
    Ok(store.from_pages(bytes.len() as u64, (0..).zip(pages))?)
}
