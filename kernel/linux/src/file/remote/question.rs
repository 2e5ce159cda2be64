//! A question to another torus: the parcel that it travels in, and what has become of it.

use super::super::open::OpenFile;
use super::file::RemoteFile;
use super::letter;
use super::reference::{Remote, tell_hold};
use crate::process::Thread;
use crate::syscall::errno::Errno;
use ::torus::TorusId;
use alloc::sync::Arc;
use braid_files::remote::answer::Answer;
use braid_files::remote::wire::WireError;
use core::sync::atomic::AtomicBool;
use fallible::NoMemory;
use ipc::parcel::{Frames, Parcel};
use mem::object::ObjectRef;
use sync::Lock;
use travel::{TravelError, lease};

/// A question to another torus.
pub struct Asking {
    pub(super) thread: Arc<Thread>,
    pub(super) home: TorusId,
    pub(super) parcel: Parcel,
    pub(super) reply: Lock<State>,
    /// The home has been asked to stop waiting.
    pub(super) cancelled: AtomicBool,
}

impl Asking {
    /// The bytes of the parcel, once it is back.
    pub fn payload(&self) -> &Frames {
        self.parcel.frames()
    }

    /// Reads the answer that lies in the parcel, once: what it gives is this torus's from then on.
    ///
    /// # Errors
    /// [`NoMemory`]; it can be read again.
    pub(super) fn read(&self) -> Result<Reply, NoMemory> {
        if self.parcel.frames().letter_len() == 0 {
            // The home had no memory for the question, or for an answer that says no more than what there is.
            return Ok(Reply::failed(Errno::ENOMEM));
        }
        Ok(match letter::read(self.parcel.frames()) {
            Ok(Answer::Opened {
                number,
                description,
            }) => match RemoteFile::open(Remote::new(self.home, number, description)) {
                Ok(file) => {
                    if let Some(remote) = file.remote() {
                        remote.settle();
                    }
                    Reply::Opened(file)
                }
                Err(Errno::ENOMEM) => return Err(NoMemory),
                Err(errno) => {
                    tell_hold(self.home, number, tori::here().id, -1);
                    Reply::failed(errno)
                }
            },
            Ok(Answer::Object { number, sealed }) => {
                match lease::holder::given(self.home, number) {
                    Ok(object) => Reply::Object(object, sealed),
                    Err(TravelError::NoMemory(error)) => return Err(error),
                    Err(error) => Reply::failed(error.into()),
                }
            }
            Ok(answer) => Reply::Answer(answer),
            Err(WireError::NoMemory) => return Err(NoMemory),
            Err(_) => Reply::failed(Errno::EIO),
        })
    }
}

impl Drop for Asking {
    /// An answer that nobody has read gives back what it brings. Such letters are read without memory.
    fn drop(&mut self) {
        if !matches!(self.reply.get_mut(), State::Came) {
            return;
        }
        match letter::read(self.parcel.frames()) {
            Ok(Answer::Opened { number, .. }) => {
                tell_hold(self.home, number, tori::here().id, -1);
            }
            Ok(Answer::Object { number, .. }) => lease::holder::refuse(self.home, number),
            _ => {}
        }
    }
}

/// What has become of a question.
pub(super) enum State {
    /// It has not been answered.
    Open,
    /// The answer lies in the parcel. Nothing of it is lost while there is no memory to read it.
    Came,
    /// The answer has been read.
    Read(Reply),
}

/// What came back.
pub enum Reply {
    /// Anything but an open file.
    Answer(Answer),
    /// An open file.
    Opened(Arc<OpenFile>),
    /// What a mapping shows, and whether it is sealed against writing.
    Object(ObjectRef, bool),
}

impl Reply {
    pub(super) fn try_clone(&self) -> Result<Self, NoMemory> {
        Ok(match self {
            Self::Answer(answer) => Self::Answer(answer.try_clone()?),
            Self::Opened(file) => Self::Opened(file.clone()),
            Self::Object(object, sealed) => Self::Object(object.clone(), *sealed),
        })
    }

    fn failed(errno: Errno) -> Self {
        let errno = errno as i32;
        Self::Answer(Answer::Failed { errno })
    }

    /// Whether nothing was done, and the question has to be asked again.
    pub(super) fn is_repeatable(&self) -> bool {
        matches!(
            self,
            Self::Answer(Answer::Cancelled | Answer::Background { .. })
        )
    }

    /// Whether a call may be interrupted that has got it.
    pub(super) fn is_void(&self) -> bool {
        let goes_on = matches!(
            self,
            Self::Answer(Answer::Elsewhere { .. } | Answer::Behind { .. })
        );
        self.is_repeatable() || goes_on
    }
}
