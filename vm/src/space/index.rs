//! The index of a space's mappings by what they show: an interval tree.
//!
//! It is an AVL tree of intervals, ordered by what they are of and where they begin; each node knows how far the intervals
//! below it reach. It has nodes set aside, so that an insertion that has been promised takes no memory.

use alloc::boxed::Box;
use core::cmp::Ordering;
use core::ops::Range;
use fallible::NoMemory;

use super::blocks::PROMISE;
use super::mapping::{Backing, Mapping, Object, Of};
use crate::addr::Page;

/// Intervals of one mapping: its private copies, and the object that is behind them.
pub(super) const EACH: usize = 2;

/// Pages that a mapping may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    of: Of,
    /// The reverse map's index of its first page.
    first: u64,
    /// Where the mapping begins.
    start: Page,
    /// The first index beyond it.
    end: u64,
}

/// Nodes that are set aside at the most.
const SPARES: usize = EACH * PROMISE;

type Key = (Of, u64, Page);

impl Interval {
    const fn key(&self) -> Key {
        (self.of, self.first, self.start)
    }

    /// What a mapping shows.
    #[inline]
    pub(super) fn of<O: Object>(mapping: &Mapping<O>) -> [Option<Self>; EACH] {
        let interval = |of, first: u64| Self {
            of,
            first,
            start: mapping.range.start,
            end: first.saturating_add(mapping.range.len()),
        };
        let object = match &mapping.backing {
            Backing::Zero => None,
            Backing::Object { object, .. } => Some(object.owner()),
        };
        let named = |of| Some(interval(of, mapping.first(of)?));
        [named(None), object.and_then(|object| named(Some(object)))]
    }

    /// Whether it has some of these pages.
    fn meets(&self, of: Of, pages: &Range<u64>) -> bool {
        self.of == of && self.first < pages.end && pages.start < self.end
    }
}

type Link = Option<Box<Node>>;

#[derive(Debug)]
struct Node {
    interval: Interval,
    /// The last end of an interval from here on downwards.
    reach: u64,
    height: u32,
    /// Those before it, and those after it.
    children: [Link; 2],
}

/// The intervals of a space's mappings.
#[derive(Debug, Default)]
pub(super) struct Index {
    root: Link,
    /// Nodes set aside, each the first child of the one before.
    spare: Link,
    spares: usize,
}

impl Index {
    /// Sets nodes aside for so many insertions.
    pub(super) fn reserve(&mut self, more: usize) -> Result<(), NoMemory> {
        while self.spares < more {
            let interval = Interval {
                of: None,
                first: 0,
                start: Page(0),
                end: 0,
            };
            let mut node = fallible::boxed(Node::new(interval, [None, None]))?;
            node.children[0] = self.spare.take();
            self.spare = Some(node);
            self.spares += 1;
        }
        Ok(())
    }

    /// Takes what a mapping has shown out, and adds what it shows now. What there is more of needs nodes that were set aside.
    pub(super) fn replace(
        &mut self,
        before: [Option<Interval>; EACH],
        after: [Option<Interval>; EACH],
    ) {
        for (before, after) in before.into_iter().zip(after) {
            match (before, after) {
                (Some(before), Some(after)) if before.key() == after.key() => {
                    resize(&mut self.root, &after);
                }
                (before, after) => {
                    before.into_iter().for_each(|before| self.remove(&before));
                    after.into_iter().for_each(|after| self.insert(after));
                }
            }
        }
    }

    fn remove(&mut self, interval: &Interval) {
        let (rest, removed) = remove(self.root.take(), interval.key());
        self.root = rest;
        if let Some(mut node) = removed.filter(|_| self.spares < SPARES) {
            node.children = [self.spare.take(), None];
            self.spare = Some(node);
            self.spares += 1;
        }
    }

    fn insert(&mut self, interval: Interval) {
        let Some(mut node) = self.spare.take() else {
            debug_assert!(false, "an insertion that was not reserved");
            return;
        };
        self.spare = node.children[0].take();
        self.spares -= 1;
        *node = Node::new(interval, [None, None]);
        self.root = Some(insert(self.root.take(), node));
    }

    /// Where the next mapping after `after` begins that shows some of these pages, and its place in the order.
    pub(super) fn next(&self, of: Of, pages: &Range<u64>, after: Option<Key>) -> Option<Key> {
        next(self.root.as_deref(), of, pages, after).map(Interval::key)
    }

    /// A copy, with a `pause` after each interval.
    pub(super) fn duplicate(&self, pause: &impl Fn()) -> Result<Self, NoMemory> {
        let mut copy = Self::default();
        if let Some(root) = &self.root {
            let mut whole = Ok(());
            copy.root = duplicate(root, pause, &mut whole);
            if let Err(error) = whole {
                copy.clear(pause);
                return Err(error);
            }
        }
        Ok(copy)
    }

    /// Takes all out, with a `pause` after each.
    pub(super) fn clear(&mut self, pause: &impl Fn()) {
        for mut rest in [self.root.take(), self.spare.take()] {
            while let Some(mut node) = rest {
                rest = match node.children[0].take() {
                    // The left child comes up, until there is none.
                    Some(mut left) => {
                        node.children[0] = left.children[1].take();
                        left.children[1] = Some(node);
                        Some(left)
                    }
                    None => node.children[1].take(),
                };
                pause();
            }
        }
        self.spares = 0;
    }
}

impl Node {
    fn new(interval: Interval, children: [Link; 2]) -> Self {
        let mut node = Self {
            interval,
            reach: 0,
            height: 0,
            children,
        };
        node.update();
        node
    }

    /// Makes up for a change of the children.
    fn update(&mut self) {
        let children = || self.children.iter().flatten();
        let highest = children().map(|child| child.height).max();
        let furthest = children().map(|child| child.reach).max();
        self.height = 1 + highest.unwrap_or(0);
        self.reach = self.interval.end.max(furthest.unwrap_or(0));
    }

    fn height(&self, side: usize) -> u32 {
        self.children[side].as_ref().map_or(0, |child| child.height)
    }
}

/// The child on this side comes up in place of its parent.
fn rotated(mut node: Box<Node>, side: usize) -> Box<Node> {
    let Some(mut up) = node.children[side].take() else {
        return node;
    };
    node.children[side] = up.children[1 - side].take();
    node.update();
    up.children[1 - side] = Some(node);
    up.update();
    up
}

/// Makes up for a change below a node by one.
fn balanced(mut node: Box<Node>) -> Box<Node> {
    for side in [0, 1] {
        if node.height(side) <= node.height(1 - side) + 1 {
            continue;
        }
        let child = node.children[side].take();
        node.children[side] = child.map(|child| {
            let is_inner_higher = child.height(1 - side) > child.height(side);
            match is_inner_higher {
                true => rotated(child, 1 - side),
                false => child,
            }
        });
        return rotated(node, side);
    }
    node.update();
    node
}

fn insert(link: Link, new: Box<Node>) -> Box<Node> {
    let Some(mut node) = link else { return new };
    let side = usize::from(new.interval.key() > node.interval.key());
    node.children[side] = Some(insert(node.children[side].take(), new));
    balanced(node)
}

/// Gives the interval of this key its end.
fn resize(link: &mut Link, to: &Interval) {
    let Some(node) = link else { return };
    match to.key().cmp(&node.interval.key()) {
        Ordering::Less => resize(&mut node.children[0], to),
        Ordering::Greater => resize(&mut node.children[1], to),
        Ordering::Equal => node.interval.end = to.end,
    }
    node.update();
}

/// The tree without a key, and the node that had it.
fn remove(link: Link, key: Key) -> (Link, Link) {
    let Some(mut node) = link else {
        return (None, None);
    };
    let side = match key.cmp(&node.interval.key()) {
        Ordering::Less => 0,
        Ordering::Greater => 1,
        Ordering::Equal => {
            let [left, right] = core::mem::take(&mut node.children);
            let Some(right) = right else {
                return (left, Some(node));
            };
            let (right, mut first) = take_first(right);
            first.children = [left, right];
            return (Some(balanced(first)), Some(node));
        }
    };
    let (child, removed) = remove(node.children[side].take(), key);
    node.children[side] = child;
    (Some(balanced(node)), removed)
}

/// The tree without its first node, and that.
fn take_first(mut node: Box<Node>) -> (Link, Box<Node>) {
    let Some(left) = node.children[0].take() else {
        return (node.children[1].take(), node);
    };
    let (left, first) = take_first(left);
    node.children[0] = left;
    (Some(balanced(node)), first)
}

/// The first interval after a key that has some of these pages. What does not reach them is passed over as a whole.
fn next<'a>(
    link: Option<&'a Node>,
    of: Of,
    pages: &Range<u64>,
    after: Option<Key>,
) -> Option<&'a Interval> {
    let node = link.filter(|node| node.reach > pages.start)?;
    let child = |side: usize| next(node.children[side].as_deref(), of, pages, after);
    let interval = &node.interval;
    if (interval.of, interval.first) >= (of, pages.end) {
        return child(0);
    }
    if interval.of < of || after.is_some_and(|after| interval.key() <= after) {
        return child(1);
    }
    child(0)
        .or_else(|| interval.meets(of, pages).then_some(interval))
        .or_else(|| child(1))
}

/// A copy of as much as there is memory for.
fn duplicate(node: &Node, pause: &impl Fn(), whole: &mut Result<(), NoMemory>) -> Link {
    if whole.is_err() {
        return None;
    }
    pause();
    match fallible::boxed(Node::new(node.interval, [None, None])) {
        Ok(mut copy) => {
            let children = node.children.each_ref();
            copy.children = children.map(|child| duplicate(child.as_deref()?, pause, whole));
            copy.update();
            Some(copy)
        }
        Err(error) => {
            *whole = Err(error);
            None
        }
    }
}

#[cfg(test)]
mod tests;
