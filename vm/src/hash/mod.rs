//! SHA-256 as the Merkle trees of memory objects use it.
//!
//! Roles: a [`PairHash`] turns blocks of 64 bytes into their SHA-256 digests and knows nothing of trees: [`Portable`] on
//! every processor, [`ShaNi`] where the processor has the instructions. A [`Hasher`] owns the choice between them, the
//! roots of all-zero subtrees, and the count of compressions.
//!
//! Typical flow: the host tool calls [`Hasher::host`]; the kernel wraps [`ShaNi`] in its FPU guard and calls [`Hasher::new`].

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

mod portable;
#[cfg(target_arch = "x86_64")]
mod shani;

pub use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub use shani::ShaNi;

/// Bytes of one page of a memory object.
pub type PageBytes = [u8; crate::addr::PAGE_SIZE];

/// Two digests side by side: what an interior node hashes.
pub type Pair = [u8; 64];

/// Highest level of a page tree: 2^51 pages, 2^63 bytes.
pub const MAX_LEVEL: u8 = 51;

/// A SHA-256 digest: a page root, an interior node or an id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// What an all-zero page contributes to a tree: 32 zero bytes.
    pub const ZERO: Self = Self([0; 32]);
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// SHA-256 of independent 64-byte messages, two compressions each (the second is the constant padding block).
pub trait PairHash: Send + Sync {
    /// Writes the digest of `pairs[i]` to `out[i]`; `out` is as long as `pairs`.
    fn hash_pairs(&self, pairs: &[Pair], out: &mut [[u8; 32]]);

    /// Name for logs and benchmarks.
    fn name(&self) -> &'static str;
}

/// Hashes pages and interior nodes, and counts what it does.
pub struct Hasher {
    backend: &'static dyn PairHash,
    /// `zero[k]` is the root of a subtree of 2^k empty pages.
    zero: [Digest; MAX_LEVEL as usize + 1],
    /// Root of 4096 zero bytes as a byte vector: never a leaf of a tree, but a name by which others may know the empty page.
    zero_page: Digest,
    compressions: AtomicU64,
}

impl Hasher {
    /// A hasher over `backend`, its count at zero.
    pub fn new(backend: &'static dyn PairHash) -> Self {
        let mut hasher = Self {
            backend,
            zero: [Digest::ZERO; MAX_LEVEL as usize + 1],
            zero_page: Digest::ZERO,
            compressions: AtomicU64::new(0),
        };
        for level in 1..hasher.zero.len() {
            hasher.zero[level] = hasher.node(&hasher.zero[level - 1], &hasher.zero[level - 1]);
        }
        hasher.zero_page = hasher.page_root(&[0; 4096]);
        hasher.compressions = AtomicU64::new(0);
        hasher
    }

    /// A hasher with the fastest backend of the processor that this program runs on.
    pub fn host() -> Self {
        #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
        if let Some(backend) = ShaNi::detect() {
            return Self::new(backend);
        }
        Self::new(&Portable)
    }

    /// Name of the backend.
    pub fn backend(&self) -> &'static str {
        self.backend.name()
    }

    /// SHA-256 compressions (blocks of 64 bytes) since this hasher was made.
    pub fn compressions(&self) -> u64 {
        self.compressions.load(Ordering::Relaxed)
    }

    /// Root of a subtree of 2^`level` empty pages; `level` is at most [`MAX_LEVEL`].
    pub fn zero(&self, level: u8) -> Digest {
        self.zero[usize::from(level)]
    }

    /// Whether `root` names the page of zeros, in either of its two forms.
    pub fn is_zero_root(&self, root: &Digest) -> bool {
        *root == Digest::ZERO || *root == self.zero_page
    }

    /// SHA-256 of `left` followed by `right`.
    pub fn node(&self, left: &Digest, right: &Digest) -> Digest {
        let mut pair = [0; 64];
        pair[..32].copy_from_slice(&left.0);
        pair[32..].copy_from_slice(&right.0);
        let mut out = [[0; 32]];
        self.pairs(&[pair], &mut out);
        Digest(out[0])
    }

    /// Root of a page as SSZ `ByteVector[4096]`: 127 nodes.
    pub fn page_root(&self, page: &PageBytes) -> Digest {
        let mut digests = [[0; 32]; 64];
        self.pairs(page.as_chunks().0, &mut digests);
        let mut nodes = digests.len();
        while nodes > 1 {
            let below = digests;
            nodes /= 2;
            let pairs = below.as_flattened().as_chunks().0;
            self.pairs(&pairs[..nodes], &mut digests[..nodes]);
        }
        Digest(digests[0])
    }

    /// What a page contributes to a tree: its root, or [`Digest::ZERO`] when all its bytes are zero.
    pub fn leaf(&self, page: &PageBytes) -> Digest {
        if is_zero(page) {
            Digest::ZERO
        } else {
            self.page_root(page)
        }
    }

    /// Root of the tree over what the pages of an object contribute, without the tree itself.
    pub fn pages_root(&self, leaves: &[[u8; 32]]) -> Digest {
        let level = leaves.len().next_power_of_two().trailing_zeros();
        self.subtree_root(leaves, level as u8)
    }

    fn subtree_root(&self, leaves: &[[u8; 32]], level: u8) -> Digest {
        match (leaves, level) {
            ([], _) => self.zero(level),
            ([leaf, ..], 0) => Digest(*leaf),
            _ => {
                let (left, right) = leaves.split_at(leaves.len().min(1 << (level - 1)));
                let left = self.subtree_root(left, level - 1);
                self.node(&left, &self.subtree_root(right, level - 1))
            }
        }
    }

    /// Id of an object of `size` bytes: SSZ container of the size and the root of its pages.
    pub fn id(&self, size: u64, pages_root: &Digest) -> Digest {
        let mut field = Digest::ZERO;
        field.0[..8].copy_from_slice(&size.to_le_bytes());
        self.node(&field, pages_root)
    }

    fn pairs(&self, pairs: &[Pair], out: &mut [[u8; 32]]) {
        self.backend.hash_pairs(pairs, out);
        self.compressions
            .fetch_add(2 * pairs.len() as u64, Ordering::Relaxed);
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Hasher({}, {} compressions)",
            self.backend(),
            self.compressions()
        )
    }
}

/// Whether all bytes are zero.
pub fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<16>();
    words.iter().all(|word| u128::from_ne_bytes(*word) == 0) && rest.iter().all(|byte| *byte == 0)
}
