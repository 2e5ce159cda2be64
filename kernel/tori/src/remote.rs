//! Frames of other tori, which by agreement of a protocol may be read here.

use machine::paging;
use torus::TorusId;
use vm::addr::Frame;
use vm::hash::PageBytes;
use vm::table::TableMemory as _;

/// A frame of another torus that this one may read, until the protocol's last message about it (K31, K32, K34, K36).
#[derive(Clone, Copy, Debug)]
pub struct RemoteFrame(Frame);

impl RemoteFrame {
    /// The frame, which `owner` has named; `None` when it does not lie in that torus's memory.
    #[inline]
    pub fn of(owner: TorusId, frame: Frame) -> Option<Self> {
        let range = crate::get(owner)?.memory().frames().range();
        range.contains(frame).then_some(Self(frame))
    }

    /// Its number.
    #[inline]
    pub const fn frame(self) -> Frame {
        self.0
    }

    /// Where its bytes are. Programs of its torus may be changing them.
    #[inline]
    pub fn start(self) -> *mut u8 {
        paging::phys_to_virt(self.0.start())
    }

    /// Copies the whole frame.
    #[inline]
    pub fn copy_to(self, to: &mut PageBytes) {
        // SAFETY: K13 and K21, it is a torus's memory for as long as the machine, and is copied, not interpreted.
        unsafe {
            self.start()
                .copy_to_nonoverlapping(to.as_mut_ptr(), to.len())
        }
    }
}
