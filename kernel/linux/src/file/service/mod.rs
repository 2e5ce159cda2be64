//! What is done with files and names on the torus that has them, whoever asks: no word here of programs' memory.

mod attributes;
pub mod entries;
pub mod files;
pub mod locks;
pub mod opening;
pub mod place;
pub mod poll;
pub mod subject;

pub use subject::{Outcome, Subject, bytes};

use super::caller::Caller;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use braid_files::remote::ask::Request;

/// Does what is asked. Reads, writes and listings have buffers, and go to [`super::transfer`] and [`list`].
pub fn perform(caller: &dyn Caller, subject: Subject, request: &Request) -> Result<Outcome, Stop> {
    let who = &caller.identity_for(request);
    let done = match *request {
        Request::Stat => return Ok(Outcome::Stat(attributes::stat(&subject)?)),
        Request::StatFs => return Ok(Outcome::Bytes(attributes::stat_fs(&subject)?)),
        Request::ReadLink => return Ok(Outcome::Bytes(place::read_link(who, &subject)?)),
        Request::Path => return Ok(Outcome::Bytes(place::path(&subject)?)),
        Request::Name => return Ok(Outcome::Bytes(subject.file()?.name()?)),
        Request::Open { flags, mode } => {
            return Ok(Outcome::Opened(opening::open(
                caller, subject, flags, mode,
            )?));
        }
        Request::Enter => return Ok(Outcome::Opened(opening::enter(who, &subject)?)),
        Request::Execute => {
            let node = subject.node(Errno::EACCES)?;
            return Ok(Outcome::Opened(opening::execute(who, &node)?));
        }
        Request::Control {
            request,
            argument,
            ref input,
        } => {
            let file = subject.file()?;
            return Ok(Outcome::Bytes(files::control(
                caller, file, request, argument, input,
            )?));
        }
        Request::Lock { ref wish } => return locks::lock(caller, subject.file()?, wish),
        Request::Access { mode, .. } => attributes::access(who, &subject, mode)?,
        Request::SetMode { mode } => attributes::set_mode(who, &subject, mode)?,
        Request::SetOwner { uid, gid } => attributes::set_owner(who, &subject, uid, gid)?,
        Request::SetTimes {
            atime,
            mtime,
            to_now,
        } => attributes::set_times(who, &subject, (atime, mtime), to_now)?,
        Request::Truncate { len } => files::truncate(caller, who, &subject, len)?,
        Request::Look => usize::from(subject.target()?.node.is_some()),
        Request::MakeDirectory { mode } => entries::make_directory(who, subject.target()?, mode)?,
        Request::MakeFile { mode } => entries::make_file(who, subject.target()?, mode)?,
        Request::MakeLink { ref text } => entries::make_link(who, subject.target()?, bytes(text)?)?,
        Request::RemoveFile => entries::remove_file(who, subject.target()?)?,
        Request::RemoveDirectory => entries::remove_directory(who, subject.target()?)?,
        Request::Seek { offset, whence } => files::seek(subject.file()?, offset, whence)?,
        Request::Flags => files::flags(subject.file()?),
        Request::SetFlags { flags } => files::set_flags(who, subject.file()?, flags)?,
        Request::Sync => files::sync(subject.file()?)?,
        Request::PipeSize { bytes } => subject.file()?.pipe_size(bytes)?,
        Request::Map | Request::List { .. } | Request::Read { .. } | Request::Write { .. } => {
            return Err(Errno::EINVAL.into());
        }
    };
    Ok(Outcome::Done(done))
}
