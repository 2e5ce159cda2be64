//! Programs to execute.

use super::archive::ArchiveFile;
use super::boot;
use super::claims::Claim;
use super::content::Content;
use super::facts;
use super::far::{self, Reply};
use super::flags::Flags;
use super::open::OpenFile;
use super::service::opening;
use super::syscalls::{go_on, place};
use super::tree::{Node, World};
use crate::file::context::HasFiles as _;
use crate::process::Current;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::credentials::Identity;
use braid_files::far::answer::Answer;
use braid_files::far::ask::{Ask, Place, Request, Subject, archive};
use braid_files::permission::Guard;
use braid_files::walk::{self, Walk};
use fallible::NoMemory;
use mem::object::ObjectRef;
use vm::addr::PAGE_SIZE;

/// An executable file.
pub struct Executable {
    /// Of a file of another torus, the path that it had there when it was found.
    pub(super) path: Vec<u8>,
    /// The file itself, which is run as long as this is held.
    pub(super) file: Arc<OpenFile>,
    /// What is mapped in place of a file of another torus: a copy, or the boot archive's bytes.
    image: Option<Arc<OpenFile>>,
}

/// Where the bytes of a program lie.
enum Bytes<'a> {
    Archive(&'static [u8]),
    Memory(&'a Content),
}

impl Executable {
    /// A file that runs already.
    pub(super) const fn running(path: Vec<u8>, file: Arc<OpenFile>) -> Self {
        Self {
            path,
            file,
            image: None,
        }
    }

    /// The file itself (`/proc/PID/exe`).
    pub fn file(&self) -> &OpenFile {
        &self.file
    }

    /// What is mapped of it.
    fn image(&self) -> &OpenFile {
        self.image.as_ref().unwrap_or(&self.file)
    }

    /// The path that its file is known by now; of a file of another torus that it was found by.
    pub fn shown_path(&self) -> Result<Vec<u8>, NoMemory> {
        match self.file.shown_path()? {
            Some(path) => Ok(path),
            None => fallible::to_vec(&self.path),
        }
    }

    /// Where its bytes lie. EACCES when it is no regular file.
    fn bytes(&self) -> Result<Bytes<'_>, Errno> {
        let image = self.image();
        let archive = image.archive().and_then(boot::bytes).map(Bytes::Archive);
        archive
            .or_else(|| image.content().map(Bytes::Memory))
            .ok_or(Errno::EACCES)
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self.bytes() {
            Ok(Bytes::Archive(bytes)) => bytes.len() as u64,
            Ok(Bytes::Memory(content)) => content.len(),
            Err(_) => 0,
        }
    }

    /// What mappings of it show.
    pub fn object(&self) -> Result<ObjectRef, Errno> {
        let image = self.image();
        match (image.archive(), image.content()) {
            (Some(id), _) => boot::object_of(id),
            (None, Some(content)) => Ok(content.object().clone()),
            (None, None) => Err(Errno::EACCES),
        }
    }

    /// Copies bytes from `offset` on; answers how many, fewer than asked only at the end of the file.
    pub fn read_at(&self, offset: u64, to: &mut [u8]) -> Result<usize, Stop> {
        let content = match self.bytes()? {
            Bytes::Memory(content) => content,
            Bytes::Archive(bytes) => {
                let rest = usize::try_from(offset)
                    .ok()
                    .and_then(|offset| bytes.get(offset..))
                    .unwrap_or(&[]);
                let n = rest.len().min(to.len());
                to[..n].copy_from_slice(&rest[..n]);
                return Ok(n);
            }
        };
        let mut done = 0;
        while done < to.len() {
            let end = to.len().min(done + PAGE_SIZE);
            let n = content.read(offset + done as u64, &mut to[done..end])?;
            if n == 0 {
                break;
            }
            done += n;
        }
        Ok(done)
    }
}

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
            match far::ask(thread, home, &question)? {
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
            far::ask(thread, remote.home, &Ask::About { subject, request })
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
            None => far::fetch(thread, remote)?,
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
        match far::ask(thread, facts::MAIN, &question)? {
            Reply::Opened(file) => Self::opened(thread, file),
            Reply::Answer(_) | Reply::Object(..) => Err(Errno::EIO.into()),
        }
    }
}
