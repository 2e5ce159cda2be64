//! What can be done with an open file without waiting (poll(2)).

use super::super::open::{Body, OpenFile};
use super::super::tty;
use alloc::sync::Arc;
use sync::Waiter;

pub const IN: u16 = 0x1;
pub const OUT: u16 = 0x4;
pub const ERR: u16 = 0x8;
pub const HUP: u16 = 0x10;
pub const NVAL: u16 = 0x20;
const RDNORM: u16 = 0x40;
const WRNORM: u16 = 0x100;

/// What is told whether wanted or not.
pub const ALWAYS: u16 = ERR | HUP;

/// The events of a file, as far as they are `wanted` or an end; tells the waiter of changes. What is far is asked for elsewhere,
/// and has none here.
pub fn events(file: &OpenFile, wanted: u16, waiter: Option<&Arc<dyn Waiter>>) -> u16 {
    let readable = |yes: bool| if yes { IN | RDNORM } else { 0 };
    const WRITABLE: u16 = OUT | WRNORM;
    // All tori share the console: it is not asked for what nobody wants to know.
    let console = || readable(wanted & (IN | RDNORM) != 0 && tty::is_readable(waiter));
    match &file.body {
        Body::Pipe(end) => {
            let state = end.state(waiter);
            let room = if state.writable { WRITABLE } else { 0 };
            let closed = match (state.closed, end.writes()) {
                (false, _) => 0,
                (true, false) => HUP,
                (true, true) => ERR,
            };
            readable(state.readable) | room | closed
        }
        Body::Terminal(..) => console() | WRITABLE,
        Body::Input => console() | if tty::has_ended() { HUP } else { 0 },
        Body::Output(_) => WRITABLE,
        Body::Far(_) => 0,
        // Nobody ever waits for these.
        Body::Bytes(..)
        | Body::Tmp(_)
        | Body::Place(_)
        | Body::Text(..)
        | Body::PageMap(..)
        | Body::Device(_)
        | Body::Vmo(_)
        | Body::Builder(_) => IN | RDNORM | WRITABLE,
    }
}
