//! What changes a data cap: everything goes to the overlay first.

use core::ops::Range;

use super::make::new_leaf;
use super::{
    Arc, BTreeMap, CapError, DataCap, Digest, Link, PAGE_SIZE, Page, PageBytes, PageSupply,
};

impl<S: PageSupply> DataCap<S> {
    /// Replaces page `index` by a copy of `bytes`.
    ///
    /// # Errors
    /// [`CapError::OutOfRange`], [`CapError::OutOfPages`].
    pub fn put_page(&mut self, index: u64, bytes: &PageBytes) -> Result<(), CapError> {
        self.check_page(index)?;
        let leaf = new_leaf(&self.store, bytes)?;
        self.overlay_mut().insert(index, leaf);
        Ok(())
    }

    /// Writes `bytes` at `start` in page `index`: in place if the page is this cap's own, to a copy of it otherwise.
    ///
    /// # Errors
    /// [`CapError::OutOfRange`], [`CapError::OutOfPages`]; [`CapError::Missing`] if part of a page that is not held is to stay.
    pub fn write_page(&mut self, index: u64, start: usize, bytes: &[u8]) -> Result<(), CapError> {
        self.check_page(index)?;
        let end = start.saturating_add(bytes.len());
        if end > PAGE_SIZE as usize {
            let page_count = self.page_count();
            return Err(CapError::OutOfRange {
                index,
                start,
                end,
                page_count,
            });
        }
        if let Some(Link::Page(page)) = self.overlay_mut().get_mut(&index)
            && let Some(target) = Arc::get_mut(page).and_then(Page::bytes_mut)
        {
            target[start..end].copy_from_slice(bytes);
            return Ok(());
        }
        let (leaf, covered) = (self.leaf(index), bytes.len() == PAGE_SIZE as usize);
        let mut held = Ok(());
        let page = self.store.new_page(|target| {
            if !covered {
                held = leaf.read(0, 0, target);
            }
            target[start..end].copy_from_slice(bytes);
        })?;
        held?;
        self.overlay_mut().insert(index, Link::Page(Arc::new(page)));
        Ok(())
    }

    /// Puts a page in place of page `index` without copying it. Whoever gives it may say which root it has; that is not
    /// believed: the page counts by its bytes.
    ///
    /// # Errors
    /// [`CapError::OutOfRange`].
    pub fn insert_overlay_page(
        &mut self,
        index: u64,
        page: Arc<Page<S::Page>>,
        _claimed: Option<Digest>,
    ) -> Result<(), CapError> {
        self.check_page(index)?;
        self.overlay_mut().insert(index, Link::page(page));
        Ok(())
    }

    /// Puts the pages `from` of another cap (or of a clone of this one) in place of as many pages from `index` on. They are
    /// shared, not copied; pages that are not held stay so.
    ///
    /// # Errors
    /// [`CapError::OutOfRange`] for either cap, [`CapError::ForeignStore`].
    pub fn place_shared(
        &mut self,
        index: u64,
        other: &Self,
        from: Range<u64>,
    ) -> Result<(), CapError> {
        if !self.store.is_same(&other.store) {
            return Err(CapError::ForeignStore);
        }
        let count = from
            .end
            .checked_sub(from.start)
            .ok_or(other.out_of_range(from.start))?;
        other.check_pages(from.start, count)?;
        self.check_pages(index, count)?;
        let placed = from
            .clone()
            .map(|page| (index + (page - from.start), other.leaf(page).clone()));
        self.overlay_mut().extend(placed);
        Ok(())
    }

    /// Supplies page `index`, of which so far only the root was held. The root of the cap stays the same, so this is no write:
    /// a clean cap stays clean.
    ///
    /// # Errors
    /// [`CapError::OutOfRange`]; [`CapError::NotTheMissing`] if nothing is missing there, or the page has another root.
    pub fn supply_page(&mut self, index: u64, page: Arc<Page<S::Page>>) -> Result<(), CapError> {
        self.check_page(index)?;
        let wanted = match self.leaf(index) {
            Link::Missing(root) => **root,
            _ => return Err(CapError::NotTheMissing(index)),
        };
        if page.leaf(self.store.hasher()) != wanted {
            return Err(CapError::NotTheMissing(index));
        }
        if self.overlay.contains_key(&index) {
            self.overlay_mut().insert(index, Link::Page(page));
        } else {
            self.put_in_backing([(index, Link::Page(page))]);
        }
        Ok(())
    }

    /// Folds the overlay into a new backing, and returns how many pages that were. Hashes nothing; pages of zeros become empty.
    pub fn flush(&mut self) -> usize {
        let overlay = core::mem::take(&mut self.overlay);
        let count = overlay.len();
        let leaves = Arc::try_unwrap(overlay).unwrap_or_else(|shared| BTreeMap::clone(&shared));
        self.put_in_backing(leaves.into_iter().map(|(index, leaf)| match leaf {
            Link::Page(page) => (index, Link::page(page)),
            leaf => (index, leaf),
        }));
        count
    }

    fn put_in_backing(&mut self, leaves: impl IntoIterator<Item = (u64, Link<S::Page>)>) {
        let level = self.backing.level();
        let mut leaves = leaves.into_iter().peekable();
        self.backing.root = self.backing.root.updated(level, 0, &mut leaves);
    }

    fn overlay_mut(&mut self) -> &mut BTreeMap<u64, Link<S::Page>> {
        Arc::make_mut(&mut self.overlay)
    }
}
