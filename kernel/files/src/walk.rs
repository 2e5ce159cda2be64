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
    /// The target, if a node is a symbolic link.
    fn link(&self, node: &Self::Node) -> Result<Option<Vec<u8>>, FileError>;
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
    // What is left of the path begins here.
    let mut from = 0;
    loop {
        tree.pause();
        let rest = &path[from..];
        if tree.is_foreign(&at) {
            let rest = copy(rest)?;
            return Ok(Walk::Leaves(Leaving { at, rest, links }));
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
            Ok(None) => {
                let rest = copy(rest)?;
                return Ok(Walk::Leaves(Leaving { at, rest, links }));
            }
            Err(FileError::NotFound) if last => {
                return Ok(Walk::Target(Target {
                    directory: at,
                    name: copy(name)?,
                    ending: Ending::Name,
                    node: None,
                    slash,
                }));
            }
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
            if target.first() == Some(&b'/') {
                at = tree.root();
            }
            path = joined(&target, tail)?;
            from = 0;
            continue;
        }
        if last && !tree.is_foreign(&node) {
            if slash && !tree.is_directory(&node) {
                return Err(FileError::NotDirectory);
            }
            return Ok(Walk::Target(Target {
                directory: at,
                name: copy(name)?,
                ending: Ending::Name,
                node: Some(node),
                slash,
            }));
        }
        at = node;
        from = next;
    }
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
mod tests {
    use super::*;

    /// Directories `/`, `/d`; file `/d/f`; links `/l` -> d, `/loop` -> loop, `/d/up` -> ../d/f, `/gone` -> nowhere, `/trap` -> d of somebody else.
    /// `/away` is foreign, `/d/moved` somebody else's to find, `/closed` a directory without search.
    struct Toy;

    impl Tree for Toy {
        type Node = &'static str;

        fn root(&self) -> Self::Node {
            "/"
        }
        fn child(
            &self,
            directory: &Self::Node,
            name: &[u8],
        ) -> Result<Option<Self::Node>, FileError> {
            let child = match (*directory, name) {
                ("d", b"moved") => return Ok(None),
                ("/", b"d") => Ok("d"),
                ("/", b"closed") => Ok("closed"),
                ("/", b"l") => Ok("l"),
                ("/", b"loop") => Ok("loop"),
                ("/", b"gone") => Ok("gone"),
                ("/", b"away") => Ok("away"),
                ("/", b"over") => Ok("over"),
                ("/", b"trap") => Ok("trap"),
                ("d", b"f") => Ok("f"),
                ("d", b"up") => Ok("up"),
                _ => Err(FileError::NotFound),
            };
            child.map(Some)
        }
        fn parent(&self, _: &Self::Node) -> Result<Self::Node, FileError> {
            Ok("/")
        }
        fn is_directory(&self, node: &Self::Node) -> bool {
            matches!(*node, "/" | "d" | "closed")
        }
        fn link(&self, node: &Self::Node) -> Result<Option<Vec<u8>>, FileError> {
            Ok(match *node {
                "l" | "trap" => Some(b"d".to_vec()),
                "loop" => Some(b"loop".to_vec()),
                "up" => Some(b"../d/f".to_vec()),
                "over" => Some(b"away/x".to_vec()),
                "gone" => Some(b"nowhere".to_vec()),
                _ => None,
            })
        }
        fn may_search(&self, node: &Self::Node) -> bool {
            *node != "closed"
        }
        fn may_follow(&self, _: &Self::Node, link: &Self::Node) -> bool {
            *link != "trap"
        }
        fn is_foreign(&self, node: &Self::Node) -> bool {
            *node == "away"
        }
    }

    fn target(path: &str, follow: bool) -> Result<Target<&'static str>, FileError> {
        match resolve(&Toy, &"d", path.as_bytes(), follow)? {
            Walk::Target(target) => Ok(target),
            Walk::Leaves(leaving) => panic!("{path} leads away: {leaving:?}"),
        }
    }

    fn find(path: &str) -> Result<&'static str, FileError> {
        target(path, true)?.existing()
    }

    #[test]
    fn follows_paths() {
        for path in [
            "f",
            "./f",
            "/d/f",
            "//d///f",
            "/l/f",
            "up",
            "../d/up",
            "/d/../d/./f",
            "/../d/f",
        ] {
            assert_eq!(find(path), Ok("f"), "{path}");
        }
        for path in ["/", "..", "/d/..", "/l/..", "../"] {
            assert_eq!(find(path), Ok("/"), "{path}");
        }
        assert_eq!(find("/l/"), Ok("d"));
    }

    #[test]
    fn refuses_paths() {
        assert_eq!(find(""), Err(FileError::NotFound));
        assert_eq!(find("nothing"), Err(FileError::NotFound));
        assert_eq!(find("/x/f"), Err(FileError::NotFound));
        assert_eq!(find("f/"), Err(FileError::NotDirectory));
        assert_eq!(find("f/x"), Err(FileError::NotDirectory));
        assert_eq!(find("f/.."), Err(FileError::NotDirectory));
        assert_eq!(find("/loop"), Err(FileError::TooManyLinks));
        for path in ["/closed/x", "/closed/.", "/closed/../d", "/closed/no/x"] {
            assert_eq!(find(path), Err(FileError::Denied), "{path}");
        }
        assert_eq!(find("/closed/"), Ok("closed"));
        // Somebody else's link leads on, but not to where a path ends.
        assert_eq!(find("/trap/f"), Ok("f"));
        assert_eq!(find("/trap"), Err(FileError::Denied));
        assert_eq!(find("/trap/"), Err(FileError::Denied));
        assert_eq!(find(&"a".repeat(256)), Err(FileError::NameTooLong));
        assert_eq!(find(&"a/".repeat(2048)), Err(FileError::NameTooLong));
    }

    #[test]
    fn names_what_is_missing() {
        let target = target("/d/new/", true).unwrap();
        assert_eq!(
            (
                target.directory,
                &target.name[..],
                target.node,
                target.slash
            ),
            ("d", &b"new"[..], None, true)
        );
    }

    #[test]
    fn links_in_the_last_place_are_followed_on_demand() {
        let followed = target("/gone", true).unwrap();
        assert_eq!((&followed.name[..], followed.node), (&b"nowhere"[..], None));
        let itself = target("/gone", false).unwrap();
        assert_eq!(
            (&itself.name[..], itself.node),
            (&b"gone"[..], Some("gone"))
        );
    }

    #[test]
    fn says_how_a_path_ends() {
        for (path, ending) in [
            ("/", Ending::Nothing),
            ("/d/.", Ending::Dot),
            ("/d/..", Ending::DotDot),
            ("/d/f", Ending::Name),
        ] {
            assert_eq!(target(path, true).unwrap().ending, ending, "{path}");
        }
    }

    #[test]
    fn foreign_places_get_the_rest() {
        for (path, follow, rest, links) in [
            ("/away", false, "", 0),
            ("/away/", false, "/", 0),
            ("../away/x/../y", true, "/x/../y", 0),
            ("/over", true, "/x", 1),
            ("/over/z", false, "/x/z", 1),
        ] {
            let walk = resolve(&Toy, &"d", path.as_bytes(), follow).unwrap();
            let Walk::Leaves(leaving) = walk else {
                panic!("{path}: {walk:?}");
            };
            assert_eq!(
                (leaving.at, &leaving.rest[..], leaving.links),
                ("away", rest.as_bytes(), links),
                "{path}"
            );
        }
    }

    #[test]
    fn what_others_have_to_find_is_left_with_its_name() {
        for path in ["moved", "/d/./moved", "/l/moved"] {
            let walk = resolve(&Toy, &"d", path.as_bytes(), true).unwrap();
            let Walk::Leaves(leaving) = walk else {
                panic!("{path}: {walk:?}");
            };
            let rest = leaving.rest.trim_ascii_start();
            assert_eq!(leaving.at, "d");
            assert!(rest.ends_with(b"moved"), "{path}");
        }
    }

    #[test]
    fn resolution_goes_on_where_it_left() {
        let leaving = |at, rest: &str, links| Leaving {
            at,
            rest: rest.as_bytes().to_vec(),
            links,
        };
        let Walk::Target(found) = go_on(&Toy, leaving("/", "/d/f", 3), true).unwrap() else {
            panic!("it does not lead away");
        };
        assert_eq!(found.node, Some("f"));
        let Walk::Target(itself) = go_on(&Toy, leaving("f", "", 0), true).unwrap() else {
            panic!("it does not lead away");
        };
        assert_eq!((itself.node, itself.ending), (Some("f"), Ending::Nothing));
        let tired = go_on(&Toy, leaving("/", "l/f", LINK_LIMIT), true);
        assert_eq!(tired.map(|_| ()), Err(FileError::TooManyLinks));
    }
}
