//! From a rope to the one page tree that its bytes have.
//!
//! Subtrees that already lie at a place where the tree has one are taken over, with their digests; pages that lie across the
//! seams of the rope are spliced. This is where equal content becomes one: the store keeps each page and branch once.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::page::{PAGE_SIZE, Page, PageMemory, PageSupply, page_with};
use super::rope::{Piece, Rope};
use super::tree::{Branch, Link, MissingPage, Part, Spliced, capacity, level_for};
use crate::hash::{Digest, Hasher, is_zero};
use crate::store::StoreInner;

/// A page of more parts than this is copied together: reading it piecemeal, and keeping its sources, costs more.
const MAX_PARTS: usize = 4;

/// The page tree of the bytes of `rope`, not hashed.
pub(crate) fn page_tree<S: PageSupply>(
    rope: &Rope<S::Page>,
    supply: &S,
) -> Result<Link<S::Page>, MissingPage> {
    subtree(rope, supply, level_for(rope.len()), 0)
}

fn subtree<S: PageSupply>(
    rope: &Rope<S::Page>,
    supply: &S,
    level: u8,
    start: u64,
) -> Result<Link<S::Page>, MissingPage> {
    if start >= rope.len() {
        return Ok(Link::Zero);
    }
    if let Some(link) = aligned(rope, level, start) {
        return Ok(link);
    }
    S::Page::pause();
    if level == 0 {
        return spliced(rope, supply, start);
    }
    let left = subtree(rope, supply, level - 1, start)?;
    let right = subtree(rope, supply, level - 1, start + capacity(level - 1))?;
    Ok(Link::branch(left, right))
}

/// The subtree of `level` for the bytes from `start` on, if one piece has it.
pub(crate) fn aligned<M: PageMemory>(rope: &Rope<M>, level: u8, start: u64) -> Option<Link<M>> {
    let (begin, piece) = rope.piece_at(start)?;
    let end = rope.len().min(start + capacity(level));
    if begin + piece.len < end {
        return None;
    }
    let offset = start - begin;
    match &piece.link {
        Link::Zero => Some(Link::Zero),
        Link::Branch(_) if piece.level >= level && offset.is_multiple_of(capacity(level)) => Some(
            piece
                .link
                .descend(piece.level, level, offset / PAGE_SIZE)
                .clone(),
        ),
        Link::Branch(_) => None,
        leaf => (level == 0 && offset == 0 && is_whole(leaf, piece)).then(|| leaf.clone()),
    }
}

/// Whether the piece is the page `leaf` from its beginning, with nothing but zeros left out.
fn is_whole<M: PageMemory>(leaf: &Link<M>, piece: &Piece<M>) -> bool {
    let rest_is_zero = || match leaf {
        Link::Page(page) => is_zero(&page.bytes()[piece.len as usize..]),
        _ => false,
    };
    piece.start == 0 && (piece.len == PAGE_SIZE || rest_is_zero())
}

/// The page that begins at byte `start`, put together from the parts that hold its bytes.
fn spliced<S: PageSupply>(
    rope: &Rope<S::Page>,
    supply: &S,
    start: u64,
) -> Result<Link<S::Page>, MissingPage> {
    let mut parts = Vec::new();
    let len = PAGE_SIZE.min(rope.len() - start);
    rope.visit(start, len, &mut |piece, offset, len| {
        add_parts(&mut parts, piece, offset, len)
    })?;
    if parts.iter().all(|part| part.page.is_none()) {
        return Ok(Link::Zero);
    }
    if parts.len() > MAX_PARTS {
        let mut missing = Ok(());
        let copy = page_with(supply, |bytes| {
            missing = rope.read(start, &mut bytes[..len as usize])
        });
        missing?;
        if let Ok(page) = copy {
            return Ok(Link::Page(Arc::new(page)));
        }
    }
    Ok(Link::Spliced(Arc::new(Spliced::new(
        parts.into_boxed_slice(),
    ))))
}

/// Adds the parts that hold a range of a piece; the range may cross page borders of the piece.
fn add_parts<M: PageMemory>(
    parts: &mut Vec<Part<M>>,
    piece: &Piece<M>,
    offset: u64,
    len: u64,
) -> Result<(), MissingPage> {
    let (mut at, end) = (piece.start + offset, piece.start + offset + len);
    while at < end {
        let leaf = piece.link.descend(piece.level, 0, at / PAGE_SIZE);
        let (first, stop) = (at % PAGE_SIZE, (at % PAGE_SIZE + end - at).min(PAGE_SIZE));
        add_leaf_parts(parts, leaf, first as u16, stop as u16)?;
        at += stop - first;
    }
    Ok(())
}

fn add_leaf_parts<M: PageMemory>(
    parts: &mut Vec<Part<M>>,
    leaf: &Link<M>,
    start: u16,
    end: u16,
) -> Result<(), MissingPage> {
    let part = |page| Part {
        page,
        start,
        len: end - start,
    };
    match leaf {
        Link::Missing(root) => return Err(MissingPage(**root)),
        Link::Page(page) => parts.push(part(Some(Arc::clone(page)))),
        Link::Spliced(spliced) => {
            let mut begin = 0;
            for inner in &spliced.parts {
                let stop = begin + inner.len;
                let (from, to) = (start.max(begin), end.min(stop));
                if from < to {
                    parts.push(inner.range(from - begin, to - begin));
                }
                begin = stop;
            }
            if end > begin.max(start) {
                let start = begin.max(start);
                parts.push(Part {
                    page: None,
                    start: 0,
                    len: end - start,
                });
            }
        }
        Link::Zero | Link::Branch(_) => parts.push(part(None)),
    }
    Ok(())
}

/// The tree with each page and each branch replaced by the one that the store keeps for the same content, and its root.
pub(crate) fn interned<S: PageSupply>(
    link: Link<S::Page>,
    level: u8,
    store: &StoreInner<S>,
) -> (Link<S::Page>, Digest) {
    let hasher: &Hasher = &store.hasher;
    if !link.is_complete() {
        let root = link.digest(level, hasher);
        return (link, root);
    }
    let link = match link {
        Link::Page(page) => intern_page(page, store),
        Link::Spliced(_) => {
            let root = link.digest(level, hasher);
            if root == Digest::ZERO {
                Link::Zero
            } else {
                store.kept_page(&root).map_or(link, Link::Page)
            }
        }
        Link::Branch(branch) => intern_branch(branch, level, store),
        Link::Zero | Link::Missing(_) => link,
    };
    let root = link.digest(level, hasher);
    (link, root)
}

fn intern_page<S: PageSupply>(page: Arc<Page<S::Page>>, store: &StoreInner<S>) -> Link<S::Page> {
    let root = page.leaf(&store.hasher);
    if root == Digest::ZERO {
        Link::Zero
    } else {
        Link::Page(store.keep_page(root, page))
    }
}

fn intern_branch<S: PageSupply>(
    branch: Arc<Branch<S::Page>>,
    level: u8,
    store: &StoreInner<S>,
) -> Link<S::Page> {
    let known = branch
        .known_digest()
        .and_then(|root| store.kept_branch(level, &root));
    if let Some(kept) = known {
        return Link::Branch(kept);
    }
    let (old_left, old_right) = branch.halves();
    let (left, _) = interned(old_left.clone(), level - 1, store);
    let (right, _) = interned(old_right.clone(), level - 1, store);
    let link = if left.is_same(old_left) && right.is_same(old_right) {
        Link::Branch(branch)
    } else {
        Link::branch(left, right)
    };
    let root = link.digest(level, &store.hasher);
    match link {
        Link::Branch(branch) => Link::Branch(store.keep_branch(level, root, branch)),
        other => other,
    }
}
