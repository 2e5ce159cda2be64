//! What torus 0 alone can do: to change the root, and to say what of it has changed.

use super::super::flags::Flags;
use super::super::open::OpenFile;
use super::super::service::opening::changes;
use super::super::tree::Node;
use crate::file::facts;
use braid_files::remote::ask::{Place, Request, archive};
use braid_files::walk::Target;
use fallible::{NoMemory, TryVec, to_vec};

/// What a request wants of the root.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wants {
    /// To change what there is.
    Node,
    /// To change names.
    Name,
    /// The path of a directory.
    Path,
    /// What only the root's home can count.
    Numbers,
    /// To see it.
    Look,
}

fn wants(request: &Request, exists: bool) -> Wants {
    match request {
        Request::SetMode { .. }
        | Request::SetOwner { .. }
        | Request::SetTimes { .. }
        | Request::Truncate { .. } => Wants::Node,
        Request::MakeDirectory { .. }
        | Request::MakeFile { .. }
        | Request::MakeLink { .. }
        | Request::RemoveFile
        | Request::RemoveDirectory => Wants::Name,
        Request::Open { flags, .. } => {
            let flags = Flags::from_bits_truncate(*flags);
            match exists {
                false if flags.contains(Flags::CREAT) => Wants::Name,
                true if changes(flags) => Wants::Node,
                _ => Wants::Look,
            }
        }
        Request::Path => Wants::Path,
        Request::StatFs => Wants::Numbers,
        _ => Wants::Look,
    }
}

/// What to ask the root's home, if what is asked of what a path has led to can only be done there.
pub(super) fn place_for(
    target: &Target<Node>,
    request: &Request,
    follow: bool,
) -> Result<Option<Place>, NoMemory> {
    if facts::is_main() {
        return Ok(None);
    }
    let is_archive = |node: &Node| matches!(node, Node::Archive(_));
    let on_root = target.node.as_ref().is_some_and(is_archive);
    let there = match wants(request, target.node.is_some()) {
        Wants::Node | Wants::Numbers => on_root,
        // Where there is no name there is nothing but an error.
        Wants::Name => {
            let vacant = target.node.is_none();
            !target.name.is_empty() && is_archive(&target.directory) && (vacant || on_root)
        }
        Wants::Path => target.node.as_ref().is_some_and(Node::is_found_elsewhere),
        Wants::Look => false,
    };
    if there {
        place_of(target, follow)
    } else {
        Ok(None)
    }
}

/// How the root's home finds what a path has led to here; None for what is not on the root.
pub(super) fn place_of(target: &Target<Node>, follow: bool) -> Result<Option<Place>, NoMemory> {
    let named = !target.name.is_empty();
    let node = if named {
        Some(&target.directory)
    } else {
        target.node.as_ref()
    };
    let Some(Node::Archive(id)) = node else {
        return Ok(None);
    };
    let mut rest = to_vec(&target.name)?;
    if target.slash && named {
        rest.try_push(b'/')?;
    }
    Ok(Some(Place {
        base: archive(id.0),
        rest,
        links: 0,
        follow,
    }))
}

/// The number by which the root's home knows an open file of this torus, if what is asked of it can only be done there.
pub(super) fn number_for(file: &OpenFile, request: &Request) -> Option<u64> {
    if facts::is_main() {
        return None;
    }
    let Some(node @ Node::Archive(id)) = file.node() else {
        return None;
    };
    let there = match wants(request, true) {
        // Only a path can be cut: a file of the archive is not open for writing.
        _ if matches!(request, Request::Truncate { .. }) => false,
        Wants::Node | Wants::Numbers => true,
        Wants::Path => node.is_found_elsewhere(),
        Wants::Name => false,
        Wants::Look => {
            let tells = matches!(
                request,
                Request::Stat | Request::Access { .. } | Request::Enter | Request::Open { .. }
            );
            tells && node.is_stale()
        }
    };
    there.then(|| archive(id.0))
}
