//! Pieces of memory while they are being divided, in storage of the caller.

use core::ops::Range;

use super::{Affinity, Groups, Piece, PlanError};
use crate::TorusId;

/// Frames in 2 MiB: cuts at multiples of this leave large pages whole.
const LARGE: u64 = 512;

/// Pieces sorted by address and disjoint, in the first `len` places of the storage.
pub(super) struct Pieces<'a> {
    storage: &'a mut [Piece],
    len: usize,
}

/// The torus with the fewest frames.
pub(super) struct Shortest {
    pub(super) torus: TorusId,
    pub(super) frames: u64,
}

impl<'a> Pieces<'a> {
    /// The usable ranges, sorted, with overlaps and adjacent ranges joined.
    pub(super) fn usable(
        storage: &'a mut [Piece],
        usable: &[Range<u64>],
    ) -> Result<Self, PlanError> {
        let mut pieces = Self { storage, len: 0 };
        for frames in usable.iter().filter(|frames| !frames.is_empty()) {
            let piece = Piece {
                frames: frames.clone(),
                ..Piece::default()
            };
            pieces.insert(pieces.len, piece)?;
        }
        pieces.storage[..pieces.len].sort_unstable_by_key(|piece| piece.frames.start);
        pieces.join(|_, _| true);
        if pieces.len == 0 {
            Err(PlanError::NoMemory)
        } else {
            Ok(pieces)
        }
    }

    /// Cuts the pieces where the affinity changes and writes the node to each.
    pub(super) fn set_nodes(&mut self, affinity: &[Affinity]) -> Result<(), PlanError> {
        let mut at = 0;
        while at < self.len {
            let frames = self.storage[at].frames.clone();
            let edge = affinity
                .iter()
                .filter(|range| !range.frames.is_empty())
                .flat_map(|range| [range.frames.start, range.frames.end])
                .filter(|edge| (frames.start + 1..frames.end).contains(edge))
                .min();
            if let Some(edge) = edge {
                self.cut(at, edge)?;
            }
            self.storage[at].node = affinity
                .iter()
                .find(|range| range.frames.contains(&frames.start))
                .map(|range| range.node);
            at += 1;
        }
        self.join(|a, b| a.node == b.node);
        Ok(())
    }

    /// Gives the memory of each node to the tori that have a core on it, and the rest to all.
    pub(super) fn share_by_node(&mut self, groups: &Groups<'_>) -> Result<(), PlanError> {
        let all = TorusId::first(groups.count());
        let claimed = |node: u32| {
            groups
                .cores
                .iter()
                .any(|core| core.node == Some(node))
                .then_some(node)
        };
        self.share(all.clone(), |piece| piece.node.and_then(claimed).is_none())?;
        // The cores are sorted by node.
        for cores in groups.cores.chunk_by(|a, b| a.node == b.node) {
            if let Some(node) = cores[0].node {
                let owners = all.clone().filter(|torus| groups.on_node(*torus, node));
                self.share(owners, |piece| piece.node == Some(node))?;
            }
        }
        Ok(())
    }

    /// Gives every torus the same amount, in order of address.
    pub(super) fn share_equally(&mut self, tori: usize) -> Result<(), PlanError> {
        self.join(|a, b| a.node == b.node);
        self.share(TorusId::first(tori), |_| true)
    }

    /// Gives the `chosen` pieces to `owners` in equal shares, cutting pieces where a share ends.
    fn share(
        &mut self,
        owners: impl Iterator<Item = TorusId> + Clone,
        chosen: impl Fn(&Piece) -> bool,
    ) -> Result<(), PlanError> {
        let total: u64 = self
            .all()
            .iter()
            .filter(|piece| chosen(piece))
            .map(Piece::len)
            .sum();
        let count = owners.clone().count() as u64;
        let mut at = 0;
        let mut before = 0; // chosen frames before `at`
        for (torus, number) in owners.zip(1..) {
            let end = (u128::from(total) * u128::from(number) / u128::from(count)) as u64;
            while at < self.len && (before < end || number == count) {
                if !chosen(&self.storage[at]) {
                    at += 1;
                    continue;
                }
                let piece = self.storage[at].clone();
                if before + piece.len() > end {
                    let edge = round(
                        piece.frames.start + (end - before),
                        &piece.frames,
                        total / count,
                    );
                    if edge == piece.frames.start {
                        break;
                    }
                    if edge < piece.frames.end {
                        self.cut(at, edge)?;
                    }
                }
                self.storage[at].torus = torus;
                before += self.storage[at].len();
                at += 1;
            }
        }
        Ok(())
    }

    /// The torus with the fewest frames, the first if several have as few.
    pub(super) fn shortest(&self, tori: usize) -> Shortest {
        TorusId::first(tori)
            .map(|torus| {
                let own = self.all().iter().filter(|piece| piece.torus == torus);
                Shortest {
                    torus,
                    frames: own.map(Piece::len).sum(),
                }
            })
            .min_by_key(|share| share.frames)
            .unwrap_or(Shortest {
                torus: TorusId::default(),
                frames: 0,
            })
    }

    /// The pieces, with neighbours of the same owner and node joined.
    pub(super) fn finish(mut self) -> &'a [Piece] {
        self.join(|a, b| a.node == b.node && a.torus == b.torus);
        let Self { storage, len } = self;
        &storage[..len]
    }

    fn all(&self) -> &[Piece] {
        &self.storage[..self.len]
    }

    /// Cuts the piece at index `at` in two at frame `edge`, which lies inside it.
    fn cut(&mut self, at: usize, edge: u64) -> Result<(), PlanError> {
        let mut upper = self.storage[at].clone();
        upper.frames.start = edge;
        self.insert(at + 1, upper)?;
        self.storage[at].frames.end = edge;
        Ok(())
    }

    fn insert(&mut self, at: usize, piece: Piece) -> Result<(), PlanError> {
        if self.len == self.storage.len() {
            return Err(PlanError::TooManyPieces(self.len));
        }
        self.storage[self.len] = piece;
        self.len += 1;
        self.storage[at..self.len].rotate_right(1);
        Ok(())
    }

    /// Joins pieces that overlap or touch and that are `alike`. Only alike pieces ever overlap.
    fn join(&mut self, alike: impl Fn(&Piece, &Piece) -> bool) {
        let mut kept = 0;
        for at in 0..self.len {
            let piece = self.storage[at].clone();
            if kept > 0 {
                let last = &mut self.storage[kept - 1];
                if piece.frames.start <= last.frames.end && alike(last, &piece) {
                    last.frames.end = last.frames.end.max(piece.frames.end);
                    continue;
                }
            }
            self.storage[kept] = piece;
            kept += 1;
        }
        self.len = kept;
    }
}

/// The nearest multiple of [`LARGE`] to `edge` if it lies in `frames` (or at an end) and no farther from
/// `edge` than an eighth of `share`; else `edge`.
fn round(edge: u64, frames: &Range<u64>, share: u64) -> u64 {
    let below = edge - edge % LARGE;
    let near = if edge % LARGE < LARGE / 2 {
        below
    } else {
        below.saturating_add(LARGE)
    };
    let fits = near >= frames.start && near <= frames.end && near.abs_diff(edge) <= share / 8;
    if fits { near } else { edge }
}
