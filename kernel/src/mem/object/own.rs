//! Pages that are an object's own: of files in memory, of shared anonymous memory, and of files whose roots nobody has computed.

use super::{PAGE, PageSource, SourceError};
use crate::arch::cpu;
use crate::mem::held::Held;
use crate::sched::lock::Lock;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::archive::NodeId;
use core::sync::atomic::{AtomicU64, Ordering};
use vm::addr::Frame;
use vm::frames::{Owner, Use};
use vm::table::TableMemory;

/// Pages per chunk of the index.
const CHUNK: u64 = 512;

/// Pages by index. A page that is not there yet is made by the source, or is zero. The object holds one reference to each of its
/// frames, every page-table entry another.
pub struct OwnPages {
    source: Option<Arc<dyn PageSource>>,
    /// Length in bytes: beyond its last page there is nothing.
    len: AtomicU64,
    /// Pages that have a frame, by chunk, ascending.
    chunks: Lock<Vec<Chunk>>,
}

/// 512 consecutive pages; frame 0 stands for none.
struct Chunk {
    number: u64,
    frames: Vec<Frame>,
}

impl OwnPages {
    pub(super) const fn new(source: Option<Arc<dyn PageSource>>, len: u64) -> Self {
        Self {
            source,
            len: AtomicU64::new(len),
            chunks: Lock::new(Vec::new()),
        }
    }

    /// The number of the boot archive's file that it shows.
    pub fn boot_file(&self) -> Option<NodeId> {
        self.source.as_ref()?.boot_file()
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }

    /// The frame of page `index`, made when it is not there. `owner` is the object's name.
    pub(super) fn page(&self, owner: Owner, index: u64) -> Result<Held, SourceError> {
        let mut chunks = self.chunks.lock();
        if index >= self.len().div_ceil(PAGE as u64) {
            return Err(SourceError::BeyondEnd);
        }
        let slot = slot(&mut chunks, index)?;
        if slot.0 == 0 {
            *slot = self.make(owner, index)?.into_frame();
        }
        Ok(Held::share(*slot))
    }

    /// The frame of page `index`, if it is there already.
    pub(super) fn present(&self, index: u64) -> Option<Held> {
        let chunks = self.chunks.lock();
        let at = chunks
            .binary_search_by_key(&(index / CHUNK), |chunk| chunk.number)
            .ok()?;
        let frame = chunks[at].frames[(index % CHUNK) as usize];
        (frame.0 != 0).then(|| Held::share(frame))
    }

    fn make(&self, owner: Owner, index: u64) -> Result<Held, SourceError> {
        let mut frame = Held::zeroed(Use::Cached).ok_or(SourceError::NoMemory)?;
        if let Some(source) = &self.source {
            frame.fill(|page| source.fill(index, page))?;
        }
        let frames = cpu::this().torus().memory().frames();
        frames.assign(frame.frame(), Use::Cached, owner, index);
        Ok(frame)
    }

    /// Makes the object at least so long; what is added reads as zeros.
    pub fn extend(&self, len: u64) {
        self.len.fetch_max(len, Ordering::AcqRel);
    }

    /// Sets the length. What lies beyond it is gone; the caller takes it out of every page table then.
    pub fn truncate(&self, len: u64) {
        let mut chunks = self.chunks.lock();
        self.len.store(len, Ordering::Release);
        let keep = len.div_ceil(PAGE as u64);
        for chunk in chunks.iter_mut() {
            for (offset, frame) in chunk.frames.iter_mut().enumerate() {
                if chunk.number * CHUNK + offset as u64 >= keep && frame.0 != 0 {
                    drop(Held::again(core::mem::take(frame)));
                }
            }
            cpu::let_interrupts_in();
        }
        chunks.retain(|chunk| chunk.number * CHUNK < keep);
        drop(chunks);
        let tail = (len % PAGE as u64) as usize;
        if tail != 0
            && let Some(frame) = self.present(len / PAGE as u64)
        {
            // SAFETY: K21, the frame is held; what programs see of it may change at any time anyway.
            unsafe { frame.start().add(tail).write_bytes(0, PAGE - tail) };
        }
    }
}

/// The place of page `index`, with its chunk made when it is missing.
fn slot(chunks: &mut Vec<Chunk>, index: u64) -> Result<&mut Frame, SourceError> {
    let number = index / CHUNK;
    let at = match chunks.binary_search_by_key(&number, |chunk| chunk.number) {
        Ok(at) => at,
        Err(at) => {
            let mut frames = Vec::new();
            frames
                .try_reserve_exact(CHUNK as usize)
                .map_err(|_| SourceError::NoMemory)?;
            frames.resize(CHUNK as usize, Frame(0));
            chunks.try_reserve(1).map_err(|_| SourceError::NoMemory)?;
            chunks.insert(at, Chunk { number, frames });
            at
        }
    };
    Ok(&mut chunks[at].frames[(index % CHUNK) as usize])
}

impl Drop for OwnPages {
    fn drop(&mut self) {
        for chunk in self.chunks.get_mut() {
            for frame in &chunk.frames {
                if frame.0 != 0 {
                    drop(Held::again(*frame));
                }
            }
            cpu::let_interrupts_in();
        }
    }
}
