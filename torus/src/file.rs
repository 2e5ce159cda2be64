//! What tori say about files of each other.

use crate::message::field::Field;
use crate::{TorusId, pid::Pid};
use vm::addr::Frame;

messages! {
    /// Files of other tori.
    protocol 4;

    /// To a home of files: a request, in frames of the sender's that the home may use until it has answered.
    1 Ask {
        /// The sender's name for it.
        call: u64,
        /// The first frame, which begins with the numbers of the others.
        parcel: Frame,
        /// How many others there are.
        frames: u32,
    }
    /// Home to asker: the answer lies where the request was.
    2 Answer {
        /// The asker's name for the request.
        call: u64,
    }
    /// To a home of files: do not wait any longer, but answer.
    3 Cancel {
        /// The sender's name for the request.
        call: u64,
    }
    /// To a home of files: how often a torus holds a file has changed.
    4 Hold {
        /// The file's number at its home.
        file: u64,
        /// The torus that holds it, or did.
        holder: TorusId,
        /// By how much.
        change: i32,
    }
    /// To oneself: a request that waited is to be looked at again.
    5 Woken {
        /// The home's own number for the request.
        request: u64,
    }
    /// To a home of files: a process has closed a file, and lets its records of it go (fcntl(2)).
    6 Unlock {
        /// The file's number at its home.
        file: u64,
        /// The process.
        process: Pid,
    }
    /// To the torus of the console: the leader of a session has ended.
    7 Leaderless {
        /// The leader, and its session.
        leader: Pid,
    }
}
