//! Finding programs to execute, by their paths.

use super::Executable;
use crate::file::archive::ArchiveFile;
use crate::file::claims::Claim;
use crate::file::context::HasFiles as _;
use crate::file::facts;
use crate::file::flags::Flags;
use crate::file::open::OpenFile;
use crate::file::remote::{self, Reply};
use crate::file::service::opening;
use crate::file::syscalls::{go_on, place};
use crate::file::tree::{Node, World};
use crate::process::Current;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::credentials::Identity;
use braid_files::permission::Guard;
use braid_files::remote::answer::Answer;
use braid_files::remote::ask::{Ask, Place, Request, Subject, archive};
use braid_files::walk::{self, Walk};

/// A program, and what says as whom it runs.
pub struct Found {
    /// The program.
    pub executable: Arc<Executable>,
    /// Mode, owner and group of the file.
    pub guard: Guard,
}

impl Executable {
    /// The program at a path: EACCES when it is not a regular file or may not be executed, and what path resolution gives.
    pub fn find(thread: &Current, path: &[u8]) -> Result<Found, Stop> {
        let who = thread.process.credentials.lock().identity();
        let directory = thread.process.files().directory();
        let mut walk = walk::resolve(&World::own(who), &directory, path, true)?;
        loop {
            let leaving = match walk {
                Walk::Target(target) => {
                    return Self::of_node(thread, &who, &target.existing()?);
                }
                Walk::Leaves(leaving) => leaving,
            };
            let (home, place) = place(leaving, true)?;
            let question = Ask::About {
                subject: Subject::Path { place },
                request: Request::Execute,
            };
            match remote::ask(thread, home, &question)? {
                Reply::Answer(Answer::Elsewhere { onward, .. }) => {
                    walk = go_on(who, onward, true)?;
                }
                Reply::Opened(file) => return Self::opened(thread, file),
                Reply::Answer(_) | Reply::Object(..) => return Err(Errno::EIO.into()),
            }
        }
    }

    /// A file of another torus that may be executed: mapped as a copy, or as the archive's where every torus has it.
    fn opened(thread: &Current, file: Arc<OpenFile>) -> Result<Found, Stop> {
        let Some(remote) = file.remote() else {
            return Err(Errno::EIO.into());
        };
        // Of the file that was opened, whatever its path leads to by now.
        let ask = |request| {
            let number = remote.number;
            let subject = Subject::File { number };
            remote::ask(thread, remote.home, &Ask::About { subject, request })
        };
        let Reply::Answer(Answer::Stat { stat }) = ask(Request::Stat)? else {
            return Err(Errno::EIO.into());
        };
        let Reply::Answer(Answer::Bytes { bytes: path }) = ask(Request::Name)? else {
            return Err(Errno::EIO.into());
        };
        let image = match remote.same_as() {
            Some(id) => {
                let claim = Claim::to_run_archive(id);
                OpenFile::open(ArchiveFile::new(id)?, Flags::RDONLY, claim)?
            }
            None => remote::fetch(thread, remote)?,
        };
        let guard = Guard::from(&stat);
        let executable = fallible::arc(Self {
            path,
            image: Some(image),
            file,
        })?;
        Ok(Found { executable, guard })
    }

    /// A program that was found on this torus. Of one that has changed by the time it counts as run the root's home knows more.
    fn of_node(thread: &Current, who: &Identity, node: &Node) -> Result<Found, Stop> {
        let file = opening::execute(who, node)?;
        let id = match node {
            Node::Archive(id) if node.is_stale() => id,
            _ => {
                let guard = node.guard();
                let executable = fallible::arc(Self::running(Vec::new(), file))?;
                return Ok(Found { executable, guard });
            }
        };
        let place = Place {
            base: archive(id.0),
            rest: Vec::new(),
            links: 0,
            follow: false,
        };
        let question = Ask::About {
            subject: Subject::Path { place },
            request: Request::Execute,
        };
        match remote::ask(thread, facts::MAIN, &question)? {
            Reply::Opened(file) => Self::opened(thread, file),
            Reply::Answer(_) | Reply::Object(..) => Err(Errno::EIO.into()),
        }
    }
}
