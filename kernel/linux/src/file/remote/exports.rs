//! Files of this torus that others hold.

use super::super::boot;
use super::super::device::Device;
use super::super::flags::Flags;
use super::super::open::OpenFile;
use super::super::place::Place as PlaceFile;
use super::super::proc::{Proc, Shown};
use super::super::service::opening;
use super::super::tree::Node;
use super::super::{locks, tty};
use super::per_torus::share;
use super::reference::{Remote, tell_hold};
use crate::process::Pid;
use crate::syscall::errno::Errno;
use ::torus::TorusId;
use alloc::sync::Arc;
use braid_files::archive::NodeId;
use braid_files::remote::answer::{Answer, Description, Onward};
use braid_files::remote::ask::{
    CONSOLE, PROCESSES, TERMINAL, TMP, archive_node, console, process_of,
};

/// What never changes about an open file.
pub fn describe(file: &OpenFile) -> Description {
    let archive = file.archive().or_else(|| match file.node()? {
        Node::Archive(id) => Some(id),
        Node::Tmp(node) => node.archive(),
        _ => None,
    });
    let archive = archive.map(|id| id.0);
    Description {
        kind: file.kind(),
        flags: file.flags().bits(),
        archive,
        bound: !file.may_be_given(),
    }
}

/// A number that is kept for a file which is about to be opened: once that is done, nothing fails any more.
pub struct Place {
    number: u64,
    holder: TorusId,
}

impl Place {
    /// A number for a file that `holder` will have. ENOMEM without memory, nor among what is kept for the worst.
    pub fn new(holder: TorusId) -> Result<Self, Errno> {
        let _held = fallible::insist();
        let number = share().exports.lock().add(None, holder.index());
        let number = number.map_err(|_| Errno::ENOMEM)?;
        share().begin();
        Ok(Self { number, holder })
    }

    /// Enters the file; answers its number.
    pub fn fill(self, file: Arc<OpenFile>) -> u64 {
        if let Some(place) = share().exports.lock().get_mut(self.number) {
            *place = Some(file);
        }
        core::mem::ManuallyDrop::new(self).number
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        hold(self.number, self.holder, -1);
    }
}

/// Gives a file a number for `holder`. ENOMEM without memory for it.
pub fn export(file: Arc<OpenFile>, holder: TorusId) -> Result<u64, Errno> {
    Ok(Place::new(holder)?.fill(file))
}

/// The answer that a file was opened, which has this number now.
pub fn opened(file: Arc<OpenFile>, place: Place) -> Answer {
    let description = describe(&file);
    Answer::Opened {
        number: place.fill(file),
        description,
    }
}

/// A torus holds a file more or less often than before.
pub fn hold(number: u64, holder: TorusId, change: i32) {
    let gone = share().exports.lock().hold(number, holder.index(), change);
    if gone.is_some() {
        share().end();
    }
}

/// `holder` has a file of any torus more or less often than before.
pub fn hold_at(home: TorusId, number: u64, holder: TorusId, change: i32) {
    if home == tori::here().id {
        hold(number, holder, change);
    } else {
        tell_hold(home, number, holder, change);
    }
}

/// A process of another torus has closed a file.
pub fn unlock(number: u64, process: Pid) {
    if let Ok(file) = exported(number) {
        file.release_locks(locks::process(process));
    }
}

/// The open file of a number: an exported one, or what is there for every torus. EBADF when there is none.
pub fn file(number: u64) -> Result<Arc<OpenFile>, Errno> {
    if let Some(fd) = (0..3).find(|&fd| console(fd) == number) {
        return tty::file::console(fd);
    }
    for (terminal, device) in [(TERMINAL, Device::Tty), (CONSOLE, Device::Console)] {
        if number == terminal {
            return OpenFile::new(PlaceFile(Node::Device(device)), Flags::PATH);
        }
    }
    if number == PROCESSES {
        let place = PlaceFile(Node::Proc(Proc::Local));
        return OpenFile::new(place, Flags::RDONLY);
    }
    if number == TMP {
        return OpenFile::new(PlaceFile(Node::tmp()), Flags::PATH);
    }
    if let Some(id) = archive_node(number).filter(|&id| (id as usize) < boot::archive().len()) {
        let node = Node::Archive(NodeId(id)).now();
        return opening::open_at(&node, Flags::RDONLY)
            .or_else(|_| OpenFile::new(PlaceFile(node), Flags::RDONLY));
    }
    exported(number)
}

/// The file of a number that was given out. EBADF when there is none.
fn exported(number: u64) -> Result<Arc<OpenFile>, Errno> {
    let file = share().exports.lock().get(number).cloned();
    file.flatten().ok_or(Errno::EBADF)
}

/// The node of a number, where a path begins. EBADF when there is none, ESRCH when that is because the process is not here.
pub fn node(number: u64) -> Result<Node, Errno> {
    if number == TMP {
        return Ok(Node::tmp());
    }
    if let Some(id) = archive_node(number).filter(|&id| (id as usize) < boot::archive().len()) {
        return Ok(Node::Archive(NodeId(id)).now());
    }
    if let Some(pid) = process_of(number) {
        let shown = Pid::from_raw(pid).and_then(Shown::find);
        return Ok(Node::Proc(Proc::Process(shown.ok_or(Errno::ESRCH)?)));
    }
    file(number)?.node().ok_or(Errno::EXDEV)
}

/// The node where a path goes on, of any torus. Errors as those of [`node`], EIO when there is no such torus.
pub fn node_at(home: u32, number: u64) -> Result<Node, Errno> {
    let home = TorusId::new(home as usize).ok_or(Errno::EIO)?;
    if home == tori::here().id {
        return node(number);
    }
    Ok(Node::Remote(fallible::arc(Remote::place_of(home, number))?))
}

/// The exported file of a number, if no path leads to it: a pipe, a memory object. What is done with it is done with the open file.
pub fn placeless(number: u64) -> Option<Arc<OpenFile>> {
    let file = exported(number).ok()?;
    file.followed().is_none().then_some(file)
}

/// The same for a path that goes on, and ends, at a file of this torus.
pub fn onward_file(onward: &Onward) -> Option<Arc<OpenFile>> {
    let (home, number) = onward.from.filter(|_| onward.rest.is_empty())?;
    let is_here = home as usize == tori::here().id.index();
    placeless(number).filter(|_| is_here)
}
