//! Pipes: the two ends of a buffer.

use super::caller::Caller;
use super::io::Transfer;
use super::local::local;
use crate::sched::lock::Lock;
use crate::sched::wait::{WaitQueue, Waiter};
use crate::syscall::call::{Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use braid_files::pipe::Pipe;
use core::sync::atomic::Ordering;

struct Shared {
    number: u64,
    pipe: Lock<Pipe>,
    /// Readers that wait for bytes, and pollers.
    readable: WaitQueue,
    /// Writers that wait for room, and pollers.
    writable: WaitQueue,
}

/// One end of a pipe; closing it (dropping the last reference) tells the other end.
pub struct PipeEnd {
    shared: Arc<Shared>,
    writes: bool,
}

/// A new pipe: the reading end and the writing end.
pub fn new() -> (PipeEnd, PipeEnd) {
    let shared = Arc::new(Shared {
        number: local().pipes.fetch_add(1, Ordering::Relaxed),
        pipe: Lock::new(Pipe::new()),
        readable: WaitQueue::new(),
        writable: WaitQueue::new(),
    });
    (
        PipeEnd {
            shared: shared.clone(),
            writes: false,
        },
        PipeEnd {
            shared,
            writes: true,
        },
    )
}

impl PipeEnd {
    /// The pipe's inode number.
    pub fn number(&self) -> u64 {
        self.shared.number
    }

    /// Bytes in the pipe.
    pub fn available(&self) -> usize {
        self.shared.pipe.lock().len()
    }

    /// Reads what there is; waits while there is nothing and somebody may still write.
    pub fn read(&self, caller: &Caller, io: &mut Transfer, wait: bool) -> SysResult {
        let mut pipe = self.shared.pipe.lock();
        if io.left() == 0 {
            return Ok(io.done());
        }
        if pipe.is_empty() && io.done() == 0 {
            if pipe.writers == 0 {
                return Ok(0);
            }
            if !wait {
                return Err(Errno::EAGAIN.into());
            }
            self.shared.readable.add(caller.waiter());
            return Err(Stop::Block);
        }
        let mut result = Ok(());
        while !pipe.is_empty() && io.left() > 0 && result.is_ok() {
            match io.put(pipe.front()) {
                Ok(n) => pipe.consume(n),
                Err(stop) => result = Err(stop),
            }
        }
        drop(pipe);
        self.shared.writable.wake_all();
        result.or_else(|stop| io.stopped(stop))?;
        Ok(io.done())
    }

    /// Writes all, waiting for room. EPIPE when nobody can read any more.
    pub fn write(&self, caller: &Caller, io: &mut Transfer, wait: bool) -> SysResult {
        let mut block = [0; 1024];
        let result = loop {
            let mut pipe = self.shared.pipe.lock();
            if pipe.readers == 0 {
                break if io.done() > 0 {
                    Ok(io.done())
                } else {
                    Err(Errno::EPIPE.into())
                };
            }
            if io.left() == 0 {
                break Ok(io.done());
            }
            let mut room = pipe.admits(io.total(), io.left());
            if room == 0 {
                if !wait {
                    break if io.done() > 0 {
                        Ok(io.done())
                    } else {
                        Err(Errno::EAGAIN.into())
                    };
                }
                self.shared.writable.add(caller.waiter());
                break Err(Stop::Block);
            }
            let mut stop = None;
            while room > 0 && stop.is_none() {
                let n = room.min(block.len());
                match io.take(&mut block[..n]) {
                    Ok(0) => break,
                    Ok(n) => {
                        if let Err(error) = pipe.push(&block[..n]) {
                            io.untake(n);
                            stop = Some(error.into());
                        }
                        room -= n;
                    }
                    Err(error) => stop = Some(error),
                }
            }
            if let Some(stop) = stop {
                break io.stopped(stop).map(|()| io.done());
            }
        };
        self.shared.readable.wake_all();
        result
    }

    /// Whether this is the writing end.
    pub fn writes(&self) -> bool {
        self.writes
    }

    /// What could be done without waiting; tells the waiter of changes.
    pub fn state(&self, waiter: Option<&Arc<dyn Waiter>>) -> State {
        let pipe = self.shared.pipe.lock();
        if let Some(waiter) = waiter {
            let queue = if self.writes {
                &self.shared.writable
            } else {
                &self.shared.readable
            };
            queue.add(waiter.clone());
        }
        State {
            readable: !self.writes && !pipe.is_empty(),
            writable: self.writes && pipe.is_writable(),
            closed: if self.writes {
                pipe.readers == 0
            } else {
                pipe.writers == 0
            },
        }
    }
}

/// What an end of a pipe is ready for.
#[derive(Clone, Copy, Debug)]
pub struct State {
    /// There are bytes to read.
    pub readable: bool,
    /// There is room to write.
    pub writable: bool,
    /// The other end is closed.
    pub closed: bool,
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        let mut pipe = self.shared.pipe.lock();
        let count = if self.writes {
            &mut pipe.writers
        } else {
            &mut pipe.readers
        };
        *count -= 1;
        drop(pipe);
        self.shared.readable.wake_all();
        self.shared.writable.wake_all();
    }
}
