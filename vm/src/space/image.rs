//! A space's pages as migration sees them: what the source tells, what the target enters.

use super::mapping::Object;
use super::{AddressSpace, SpaceError};
use crate::addr::{Page, PageRange, RUN};
use crate::table::{Entry, Remote, State, TableMemory};

/// A page that is not untouched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The page.
    pub page: Page,
    /// Where its content is.
    pub state: State,
    /// Whether it was written through this entry.
    pub dirty: bool,
}

impl<O: Object> AddressSpace<O> {
    /// Tells each page of a range that is held in a frame, a slot or at another torus, in ascending
    /// order, 2 MiB pages in pieces. The shared zero frame counts as untouched.
    pub fn held<M: TableMemory>(&self, memory: &M, range: PageRange, mut tell: impl FnMut(Held)) {
        self.table.visit(memory, range, |page, _, entry| {
            let (state, dirty) = (entry.state(), entry.is_dirty());
            let first = match state {
                State::Present(frame) if entry.is_large() => frame + page.0 % RUN,
                State::Present(frame) | State::Parked(frame) if frame == memory.zero_frame() => {
                    return;
                }
                _ => return tell(Held { page, state, dirty }),
            };
            let end = Page((page.0 | (RUN - 1)) + 1).min(range.end);
            for n in 0..end - page {
                tell(Held {
                    page: page + n,
                    state: State::Present(first + n),
                    dirty,
                });
            }
        });
    }

    /// Enters a page that is still at its home torus. The page is mapped and untouched.
    ///
    /// # Errors
    /// [`SpaceError::BadAddress`] when it is not mapped, [`SpaceError::Exists`] when it is held
    /// already, [`SpaceError::NoMemory`] when no frame is left for a table.
    pub fn enter_remote<M: TableMemory>(
        &mut self,
        memory: &M,
        page: Page,
        remote: Remote,
    ) -> Result<(), SpaceError> {
        if self.find(page.start()).is_none() {
            return Err(SpaceError::BadAddress);
        }
        let (entry, place) = self.table.find(memory, page);
        if !entry.is_empty() {
            return Err(SpaceError::Exists);
        }
        self.table.set(memory, place, Entry::remote(remote))?;
        Ok(())
    }
}
