//! Objects cut and put together without copying.

use alloc::sync::Arc;
use core::ops::Range;

use super::page::{PAGE_SIZE, PageSupply};
use super::rope::{Piece, Rope, is_fragment};
use super::tree::Link;
use super::{MAX_SIZE, Rights, VmoError, VmoHandle};
use crate::store::VmoStore;

/// Two neighbouring parts of pages with no more bytes than this are copied into one page when objects are joined.
const SMALL: u64 = PAGE_SIZE / 4;

impl<S: PageSupply> VmoHandle<S> {
    /// The bytes of `range` as an object of their own, with the rights of this handle. Nothing is copied.
    ///
    /// # Errors
    /// [`VmoError::OutOfRange`], [`VmoError::Denied`] without [`Rights::READ`].
    pub fn slice(&self, range: Range<u64>) -> Result<Self, VmoError> {
        self.demand(Rights::READ)?;
        self.check_range(range.start, Some(range.end))?;
        let rope = self.rope().slice(range.start, range.end);
        Ok(Self::new(self.vmo.store.clone(), rope, self.rights))
    }

    /// This object followed by `next`, with the rights that both handles have. Nothing is copied but small parts of pages.
    ///
    /// # Errors
    /// [`VmoError::Denied`] without [`Rights::READ`] on both, [`VmoError::ForeignStore`], [`VmoError::TooLarge`].
    pub fn concat(&self, next: &Self) -> Result<Self, VmoError> {
        self.demand(Rights::READ)?;
        next.demand(Rights::READ)?;
        let store = &self.vmo.store;
        if !store.is_same(&next.vmo.store) {
            return Err(VmoError::ForeignStore);
        }
        if self
            .size()
            .checked_add(next.size())
            .is_none_or(|size| size > MAX_SIZE)
        {
            return Err(VmoError::TooLarge);
        }
        let rope = Rope::concat(self.rope(), next.rope(), |a, b| merge_small(store, a, b));
        Ok(Self::new(store.clone(), rope, self.rights & next.rights))
    }
}

/// One page in place of two small neighbouring parts, if there is memory for it.
fn merge_small<S: PageSupply>(
    store: &VmoStore<S>,
    a: &Piece<S::Page>,
    b: &Piece<S::Page>,
) -> Option<Piece<S::Page>> {
    let len = a.len + b.len;
    if len > SMALL || !is_fragment(a) || !is_fragment(b) {
        return None;
    }
    let mut held = Ok(());
    let page = store.new_page(|bytes| {
        let (first, second) = bytes[..len as usize].split_at_mut(a.len as usize);
        held = a.read(0, first).and_then(|()| b.read(0, second));
    });
    held.ok()?;
    Some(Piece {
        link: Link::Page(Arc::new(page.ok()?)),
        level: 0,
        start: 0,
        len,
    })
}
