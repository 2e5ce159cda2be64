//! Shares of a processor: threads run in proportion to the weights of their nice values.
//!
//! *Roles.* Each core has a [`FairQueue`] of those that may run. A thread that has run for a while has used *virtual time*: the
//! nanoseconds, stretched by how light its nice value is. The queue gives out who has the least of it.
//!
//! *Flow.* Who is taken off the queue moves its **floor** up to its own virtual time. Who comes back from a sleep begins at the floor, so
//! that nobody saves time up by sleeping, and who has just run stands behind those who have not.
//!
//! The queue is a leftist heap linked through its threads: adding and taking one costs a number of steps that is logarithmic in how many
//! wait, and no memory.

use alloc::sync::Arc;

/// Nice values (setpriority(2)).
pub const NICE: core::ops::RangeInclusive<i32> = -20..=19;

/// The weight of nice 0.
const UNIT: u64 = 1 << 20;

/// Weights by nice value, from -20 on: each step is a quarter more or less, so that two threads one step apart share a core 5 to 4.
const WEIGHTS: [u64; 40] = {
    let mut weights = [UNIT; 40];
    let mut step = 1;
    while step <= 20 {
        weights[20 - step] = weights[21 - step] * 5 / 4;
        if step < 20 {
            weights[20 + step] = weights[19 + step] * 4 / 5;
        }
        step += 1;
    }
    weights
};

/// The virtual time of so many nanoseconds of a thread with a nice value, in nanoseconds of nice 0.
pub fn virtual_time(nanos: u64, nice: i32) -> u64 {
    if nice == 0 {
        return nanos;
    }
    let index = (nice.clamp(*NICE.start(), *NICE.end()) - NICE.start()) as usize;
    nanos.saturating_mul(UNIT) / WEIGHTS[index]
}

/// A thread's place in a queue.
#[derive(Debug)]
pub struct Link<T> {
    key: Key,
    /// Links on the shortest way down to a missing one.
    rank: u32,
    left: Option<Arc<T>>,
    right: Option<Arc<T>>,
}

/// By virtual time, and for equal ones by who came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    time: u64,
    number: u64,
}

impl<T> Link<T> {
    /// Of a thread that is in no queue.
    pub const fn new() -> Self {
        Self {
            key: Key { time: 0, number: 0 },
            rank: 1,
            left: None,
            right: None,
        }
    }
}

impl<T> Default for Link<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// What can stand in a queue: it has a link, which only the queue that it stands in uses.
pub trait Node: Sized {
    /// Works on the link.
    fn with_link<R>(&self, f: impl FnOnce(&mut Link<Self>) -> R) -> R;
}

/// Those who may run on a core.
#[derive(Debug)]
pub struct FairQueue<T> {
    root: Option<Arc<T>>,
    len: usize,
    /// The virtual time of whom it gave out last; it never goes back.
    floor: u64,
    /// How many have been added so far.
    added: u64,
}

impl<T: Node> FairQueue<T> {
    /// An empty queue.
    pub const fn new() -> Self {
        Self {
            root: None,
            len: 0,
            floor: 0,
            added: 0,
        }
    }

    /// Whether nobody waits.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many wait.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// The virtual time of whom it gave out last.
    pub const fn floor(&self) -> u64 {
        self.floor
    }

    /// Adds one that is in no queue and has used so much virtual time; less than the floor counts as the floor.
    pub fn push(&mut self, node: Arc<T>, time: u64) {
        self.added += 1;
        let key = Key {
            time: time.max(self.floor),
            number: self.added,
        };
        node.with_link(|link| {
            *link = Link { key, ..Link::new() };
        });
        self.root = match self.root.take() {
            None => Some(node),
            root => meld(root, Some(node)),
        };
        self.len += 1;
    }

    /// Takes the one that has used the least virtual time, which is told with it.
    pub fn pop(&mut self) -> Option<(Arc<T>, u64)> {
        let (node, time) = self.take()?;
        self.floor = self.floor.max(time);
        Some((node, time))
    }

    /// Takes the first one that `may` be taken elsewhere. It is looked for among the first `most + 1`: at most so many may not.
    pub fn steal(&mut self, most: usize, may: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let mut found = None;
        let mut kept = None;
        for _ in 0..=most {
            let Some((node, _)) = self.take() else { break };
            if may(&node) {
                found = Some(node);
                break;
            }
            // They hang on each other's right until they go back.
            node.with_link(|link| {
                link.rank = 1;
                link.right = kept.take();
            });
            kept = Some(node);
        }
        while let Some(node) = kept {
            kept = node.with_link(|link| link.right.take());
            self.root = meld(self.root.take(), Some(node));
            self.len += 1;
        }
        found
    }

    fn take(&mut self) -> Option<(Arc<T>, u64)> {
        let node = self.root.take()?;
        let (left, right, time) =
            node.with_link(|link| (link.left.take(), link.right.take(), link.key.time));
        self.root = match (left, right) {
            (root, None) => root,
            (left, right) => meld(left, right),
        };
        self.len -= 1;
        Some((node, time))
    }

    /// The virtual time that one has to have used who stands behind the first.
    pub fn behind_first(&self) -> u64 {
        let first = self.root.as_ref().map_or(0, |root| key(&**root).time);
        first.saturating_add(1)
    }
}

impl<T: Node> Default for FairQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

fn key<T: Node>(node: &T) -> Key {
    node.with_link(|link| link.key)
}

fn rank<T: Node>(node: Option<&Arc<T>>) -> u32 {
    node.map_or(0, |node| node.with_link(|link| link.rank))
}

/// Makes one heap of two. The depth is at most the sum of both ranks, which are logarithms of their sizes.
fn meld<T: Node>(a: Option<Arc<T>>, b: Option<Arc<T>>) -> Option<Arc<T>> {
    let (first, second) = match (a, b) {
        (Some(a), Some(b)) if key(&*b) < key(&*a) => (b, a),
        (Some(a), Some(b)) => (a, b),
        (a, b) => return a.or(b),
    };
    let (left, right) = first.with_link(|link| (link.left.take(), link.right.take()));
    let right = meld(right, Some(second));
    let (left, right) = if rank(left.as_ref()) < rank(right.as_ref()) {
        (right, left)
    } else {
        (left, right)
    };
    let rank = rank(right.as_ref()) + 1;
    first.with_link(|link| {
        (link.rank, link.left, link.right) = (rank, left, right);
    });
    Some(first)
}

#[cfg(test)]
mod tests;
