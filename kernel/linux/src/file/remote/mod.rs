//! Files of other tori.
//!
//! *Roles.* An open file stays for ever on the torus where it was opened, its **home**; `/tmp` is at home on torus 0, as is the
//! console. Elsewhere a [`Remote`](reference::Remote) stands for it, with the home and the number that the home knows it by. What
//! is done with it, or with a path that leads into `/tmp`, is **asked** of the home.
//!
//! *Flow.* [`ask`](asking::ask) puts the request into a [parcel](parcel) of frames, sends one line that names them, and blocks; the
//! home [serves](serve) it as it would serve a thread of its own, puts the answer into the same frames, and sends a line back. The
//! call then runs again, and finds the answer in its thread's [`Journal`](Journal): each run of a call asks the same
//! questions in the same order, so that those already answered are not asked again. A request that has to wait does so at
//! the home, enrolled on the home's wait queues.
//!
//! *Cancelling.* A call that is interrupted has the home cancel its request, and goes on when the home has answered: that nothing was
//! done, or that it was too late and what was done. So no byte is lost, and the parcel is nobody's but the asker's again.

mod acting;
pub mod asking;
mod behind;
pub mod bytes;
mod copies;
pub mod exports;
mod fetch;
mod file;
pub mod image;
mod interruption;
pub mod journal;
mod letter;
mod mapping;
mod per_torus;
mod processes;
pub mod question;
pub mod receive;
pub mod reference;
mod serve;
pub mod serving;

pub use asking::ask;
pub use behind::{Behind, outcome};
pub use bytes::{list, list_changed, read, read_changed, write};
pub use exports::{node_at, onward_file};
pub use fetch::fetch;

pub use interruption::{Interruption, interruption};
pub use journal::{forget, has_asked, rewind};
pub use mapping::mapped;
pub use per_torus::RemoteFiles;
pub use processes::{ask_wherever, list_processes};
pub use question::Reply;
