//! A core's run queue: a list linked through the threads, so that queueing allocates nothing.

use crate::process::Thread;
use alloc::sync::Arc;

/// Runnable threads, oldest first.
pub struct Queue {
    head: Option<Arc<Thread>>,
    tail: Option<Arc<Thread>>,
    len: usize,
}

impl Queue {
    /// An empty queue.
    pub const fn new() -> Self {
        Self {
            head: None,
            tail: None,
            len: 0,
        }
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many are queued.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Appends a thread, which is in no queue.
    pub fn push(&mut self, thread: Arc<Thread>) {
        match self.tail.replace(thread.clone()) {
            Some(last) => *last.link.lock() = Some(thread),
            None => self.head = Some(thread),
        }
        self.len += 1;
    }

    /// Takes the oldest.
    pub fn pop(&mut self) -> Option<Arc<Thread>> {
        let first = self.head.take()?;
        self.head = first.link.lock().take();
        if self.head.is_none() {
            self.tail = None;
        }
        self.len -= 1;
        Some(first)
    }

    /// Takes the oldest that another core may run: one that is loaded on no core.
    pub fn steal(&mut self) -> Option<Arc<Thread>> {
        let mut kept = None;
        for _ in 0..self.len {
            let thread = self.pop()?;
            if kept.is_none() && thread.loaded_on().is_none() {
                kept = Some(thread);
            } else {
                self.push(thread);
            }
        }
        kept
    }
}
