//! Processes that move to another torus.

use super::FILE;
use super::processes::{REFUSED, ended};
use crate::things::{Child, Descriptor, Mapping, Undo, name};
use braid_test_programs::torus::{migrate, move_to, own, tori};
use braid_test_programs::{Answer, call};
use libc as l;

/// The torus after this one.
fn other() -> usize {
    (own() + 1) % tori()
}

/// To another torus, where there is one.
pub(crate) fn moves() -> Answer {
    let home = own();
    let _back = Undo(move || move_to(home));
    migrate(0, other())?;
    let mapping = Mapping::new(1 << 16, l::MAP_PRIVATE, None)?;
    mapping.fill();
    Ok(0)
}

/// With all that a process may have on it.
pub(crate) fn many_things_move() -> Answer {
    let home = own();
    let _gone = name(FILE);
    let ends = Descriptor::pipe()?;
    ends[1].write(b"kept")?;
    let file = Descriptor::open(FILE, l::O_RDWR | l::O_CREAT)?;
    file.write(&[7; 5000])?;
    let high = Descriptor::of(call(l::SYS_fcntl, [file.0, l::F_DUPFD as usize, 300]))?;
    let shared = Mapping::new(1 << 15, l::MAP_SHARED, None)?;
    shared.fill();
    let private = Mapping::new(1 << 15, l::MAP_PRIVATE, None)?;
    private.fill();
    let _back = Undo(move || move_to(home));
    migrate(0, other())?;
    shared.fill();
    private.fill();
    let mut bytes = [0; 4];
    let n = ends[0].read(&mut bytes)?;
    assert_eq!((n, &bytes), (4, b"kept"));
    high.write(b"more")?;
    let child = Child::fork(|| {
        private.fill();
        shared.fill();
        0
    })?;
    ended(child)
}

/// A child that waits is sent elsewhere, and does what it has to there.
pub(crate) fn child_moves() -> Answer {
    let ends = Descriptor::pipe()?;
    let memory = Mapping::new(1 << 15, l::MAP_PRIVATE, None)?;
    memory.fill();
    let child = Child::fork(|| {
        let mut byte = [0];
        match ends[0].read(&mut byte) {
            Ok(1) => {
                memory.fill();
                0
            }
            Err(l::ENOMEM) => REFUSED,
            _ => 1,
        }
    })?;
    migrate(child.pid(), other())?;
    ends[1].write(b"x")?;
    ended(child)
}
