//! What is said of files of other tori: to whom it goes here.

use super::{asking, exports, serve};
use crate::file::tty;
use ::torus::TorusId;
use ::torus::file::Message;

/// A message from the torus `from`.
pub fn receive(from: TorusId, message: Message) {
    match message {
        Message::Ask {
            call,
            parcel,
            frames,
        } => serve::begin(from, call, parcel, frames),
        Message::Answer { call } => asking::answered(call),
        Message::Cancel { call } => serve::cancel(from, call),
        Message::Hold {
            file,
            holder,
            change,
        } => exports::hold(file, holder, change),
        Message::Woken { request } => serve::woken(request),
        Message::Unlock { file, process } => exports::unlock(file, process),
        Message::Leaderless { leader } => tty::ioctl::leader_ended(leader),
    }
}
