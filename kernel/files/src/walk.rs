//! Path resolution over any tree (path_resolution(7)).

use crate::error::FileError;
use alloc::vec::Vec;
use fallible::{NoMemory, TryVec, to_vec, with_capacity};

/// Symbolic links that one resolution follows before it gives up with [`FileError::TooManyLinks`].
pub const LINK_LIMIT: u32 = 40;
/// Longest name of one component, in bytes.
pub const NAME_MAX: usize = 255;
/// Longest path, in bytes with its NUL.
pub const PATH_MAX: usize = 4096;

/// Where a symbolic link leads.
#[derive(Clone, Debug)]
pub enum Link<N> {
    /// Where this path leads from the directory of the link.
    Path(Vec<u8>),
    /// To the very node, whatever its name is by now (the links of `/proc/PID`).
    Node(N),
}

/// What resolution has to know of a tree.
pub trait Tree {
    /// A file, directory or link of it.
    type Node: Clone;

    /// Where absolute paths begin.
    fn root(&self) -> Self::Node;
    /// The node of this name in a directory; [`FileError::NotFound`] when there is none. None: the name is somebody else's to
    /// resolve, from the directory on.
    fn child(&self, directory: &Self::Node, name: &[u8]) -> Result<Option<Self::Node>, FileError>;
    /// The directory that a directory is in; the root's is the root.
    fn parent(&self, directory: &Self::Node) -> Result<Self::Node, FileError>;
    /// Whether a node is a directory.
    fn is_directory(&self, node: &Self::Node) -> bool;
    /// Where a node leads, if it is a symbolic link.
    fn link(&self, node: &Self::Node) -> Result<Option<Link<Self::Node>>, FileError>;
    /// Whether names may be looked for in a directory: whoever may not gets [`FileError::Denied`].
    fn may_search(&self, directory: &Self::Node) -> bool;
    /// Whether a symbolic link in a directory may be followed where a path ends: whoever may not gets [`FileError::Denied`].
    fn may_follow(&self, directory: &Self::Node, link: &Self::Node) -> bool;
    /// Whether what lies below a node is somebody else's to resolve.
    fn is_foreign(&self, node: &Self::Node) -> bool;
    /// Between two steps: a path may have thousands.
    fn pause(&self) {}
}

/// How a path ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// In a name.
    Name,
    /// In `.`.
    Dot,
    /// In `..`.
    DotDot,
    /// Where it began.
    Nothing,
}

/// Where a path leads.
#[derive(Clone, Debug)]
pub struct Target<N> {
    /// The directory that holds the last component.
    pub directory: N,
    /// The last component; empty when the path does not end in a name.
    pub name: Vec<u8>,
    /// How it ends.
    pub ending: Ending,
    /// The node; None when only the last component does not exist.
    pub node: Option<N>,
    /// Whether the path ends in a slash: only a directory will do.
    pub slash: bool,
}

impl<N: Clone> Target<N> {
    /// A copy.
    ///
    /// # Errors
    /// [`NoMemory`].
    pub fn try_clone(&self) -> Result<Self, NoMemory> {
        Ok(Self {
            directory: self.directory.clone(),
            name: to_vec(&self.name)?,
            ending: self.ending,
            node: self.node.clone(),
            slash: self.slash,
        })
    }

    /// The node, which has to exist.
    pub fn existing(self) -> Result<N, FileError> {
        self.node.ok_or(FileError::NotFound)
    }

    /// A node that was found without a name.
    pub fn nameless(node: N, ending: Ending) -> Self {
        Self {
            directory: node.clone(),
            name: Vec::new(),
            ending,
            node: Some(node),
            slash: ending != Ending::Nothing,
        }
    }
}

/// A path that leads into what is foreign.
#[derive(Clone, Debug)]
pub struct Leaving<N> {
    /// The foreign node.
    pub at: N,
    /// What is left of the path from there on: nothing means the node itself.
    pub rest: Vec<u8>,
    /// Symbolic links followed so far.
    pub links: u32,
}

/// How far resolution came.
#[derive(Clone, Debug)]
pub enum Walk<N> {
    /// To the end.
    Target(Target<N>),
    /// To something foreign.
    Leaves(Leaving<N>),
}

/// Resolves `path` from directory `start`. `follow` says whether a symbolic link in the last place is followed (a
/// trailing slash always follows it).
pub fn resolve<T: Tree>(
    tree: &T,
    start: &T::Node,
    path: &[u8],
    follow: bool,
) -> Result<Walk<T::Node>, FileError> {
    if path.is_empty() {
        return Err(FileError::NotFound);
    }
    if path.len() >= PATH_MAX {
        return Err(FileError::NameTooLong);
    }
    let at = if path[0] == b'/' {
        tree.root()
    } else {
        start.clone()
    };
    let rest = copy(path)?;
    let links = 0;
    go_on(tree, Leaving { at, rest, links }, follow)
}

/// Resolves what is left of a path, as [`resolve`] does.
pub fn go_on<T: Tree>(
    tree: &T,
    from: Leaving<T::Node>,
    follow: bool,
) -> Result<Walk<T::Node>, FileError> {
    let Leaving {
        mut at,
        rest: mut path,
        mut links,
    } = from;
    let mut ending = Ending::Nothing;
    if path.is_empty() && !tree.is_foreign(&at) {
        return Ok(Walk::Target(Target::nameless(at, ending)));
    }
    // The rest of the path begins here.
    let mut from = 0;
    loop {
        tree.pause();
        let rest = &path[from..];
        if tree.is_foreign(&at) {
            return leaves(at, rest, links);
        }
        let Some((name, tail)) = split(rest) else {
            return directory(tree, at, ending);
        };
        let next = path.len() - tail.len();
        if !tree.is_directory(&at) {
            return Err(FileError::NotDirectory);
        }
        if !tree.may_search(&at) {
            return Err(FileError::Denied);
        }
        let last = tail.iter().all(|&b| b == b'/');
        let slash = last && !tail.is_empty();
        if name == b"." || name == b".." {
            ending = Ending::Dot;
            if name == b".." {
                ending = Ending::DotDot;
                at = tree.parent(&at)?;
            }
            from = next;
            continue;
        }
        if name.len() > NAME_MAX {
            return Err(FileError::NameTooLong);
        }
        let node = match tree.child(&at, name) {
            Ok(Some(node)) => node,
            Ok(None) => return leaves(at, rest, links),
            Err(FileError::NotFound) if last => return named(at, name, None, slash),
            Err(error) => return Err(error),
        };
        let target = if !last || slash || follow {
            tree.link(&node)?
        } else {
            None
        };
        if let Some(target) = target {
            links += 1;
            if links > LINK_LIMIT {
                return Err(FileError::TooManyLinks);
            }
            if last && !tree.may_follow(&at, &node) {
                return Err(FileError::Denied);
            }
            match target {
                Link::Path(target) => {
                    if target.first() == Some(&b'/') {
                        at = tree.root();
                    }
                    path = joined(&target, tail)?;
                }
                Link::Node(node) => {
                    at = node;
                    ending = Ending::Nothing;
                    if last && !slash && !tree.is_foreign(&at) {
                        return Ok(Walk::Target(Target::nameless(at, ending)));
                    }
                    path = copy(tail)?;
                }
            }
            from = 0;
            continue;
        }
        if last && !tree.is_foreign(&node) {
            if slash && !tree.is_directory(&node) {
                return Err(FileError::NotDirectory);
            }
            return named(at, name, Some(node), slash);
        }
        at = node;
        from = next;
    }
}

/// The answer for a path that somebody else has to resolve from `at` on.
fn leaves<N>(at: N, rest: &[u8], links: u32) -> Result<Walk<N>, FileError> {
    let rest = copy(rest)?;
    Ok(Walk::Leaves(Leaving { at, rest, links }))
}

/// The answer for a path that ends in a name.
fn named<N>(directory: N, name: &[u8], node: Option<N>, slash: bool) -> Result<Walk<N>, FileError> {
    Ok(Walk::Target(Target {
        directory,
        name: copy(name)?,
        ending: Ending::Name,
        node,
        slash,
    }))
}

/// The answer for a path that names a directory without a name of its own (`/`, `.`, `a/..`).
fn directory<T: Tree>(tree: &T, at: T::Node, ending: Ending) -> Result<Walk<T::Node>, FileError> {
    if !tree.is_directory(&at) {
        return Err(FileError::NotDirectory);
    }
    Ok(Walk::Target(Target {
        slash: true,
        ..Target::nameless(at, ending)
    }))
}

/// The first component, and what follows it (beginning with a slash, or empty).
pub fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = path.iter().position(|&b| b != b'/')?;
    let path = &path[start..];
    let end = path.iter().position(|&b| b == b'/').unwrap_or(path.len());
    Some(path.split_at(end))
}

fn copy(bytes: &[u8]) -> Result<Vec<u8>, FileError> {
    joined(bytes, b"")
}

fn joined(first: &[u8], second: &[u8]) -> Result<Vec<u8>, FileError> {
    let len = first.len() + second.len();
    if len >= 2 * PATH_MAX {
        return Err(FileError::NameTooLong);
    }
    let mut both = with_capacity(len)?;
    both.try_extend_from_slice(first)?;
    both.try_extend_from_slice(second)?;
    Ok(both)
}

#[cfg(test)]
mod tests;
