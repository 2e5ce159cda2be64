//! What a torus does for families ([`torus::family::World`]): the processes that are here are given signals and orders, and told of their
//! children.

use super::obey::obey;
use super::state::Process;
use crate::signal::give::give;
use crate::syscall::errno::Errno;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use braid_files::credentials::may_signal;
use braid_signals::Signal;
use braid_signals::action::{ActionFlags, SIG_IGN};
use braid_signals::info::{Fields, SI_USER, SigInfo};
use core::sync::atomic::Ordering;
use machine::cpu;
use tori::rings;
use torus::TorusId;
use torus::family::Message;
use torus::family::{Answer, By, Carried, News, Order, Report, Sent, Struck, World};
use torus::pid::Pid;

/// A child exited.
const CLD_EXITED: i32 = 1;
/// A child was killed.
const CLD_KILLED: i32 = 2;
/// By a signal, with a core file.
const CLD_DUMPED: i32 = 3;
/// A child stopped.
const CLD_STOPPED: i32 = 5;
/// A child continued.
const CLD_CONTINUED: i32 = 6;

/// What this torus does for families: the processes that are here, and the one whose new limits its address space is told of when the
/// table is free.
pub struct Effects<'a>(
    pub(super) &'a mut BTreeMap<Pid, Arc<Process>>,
    pub(super) Option<Arc<Process>>,
);

impl World for Effects<'_> {
    fn send(&mut self, to: TorusId, message: Message) {
        rings::send(to, message);
    }

    fn permits(&self, to: Pid, sent: Sent) -> bool {
        let Some(process) = self.0.get(&to) else {
            return true;
        };
        let user = process.credentials.lock().user;
        let sender = (sent.uid, sent.euid);
        sent.from.is_none_or(|from| from == to) || may_signal(sender, (user.real, user.saved))
    }

    fn signal(&mut self, to: Pid, sent: Sent, carried: Carried) -> Struck {
        let signal = i32::try_from(sent.signal).ok().and_then(Signal::new);
        let (Some(process), Some(signal)) = (self.0.get(&to), signal) else {
            return Struck::Given;
        };
        let info = match sent.from {
            Some(_) => SigInfo {
                signal,
                code: sent.code,
                fields: Fields::Sender {
                    pid: (carried.sender as u32).cast_signed(),
                    uid: (carried.sender >> 32) as u32,
                    value: carried.value,
                },
            },
            None => SigInfo::kernel(signal),
        };
        give(process, info)
    }

    fn order(&mut self, pid: Pid, by: By, order: Order) -> Answer {
        let Some(process) = self.0.get(&pid) else {
            return Answer::from(-(Errno::ESRCH as i32));
        };
        if matches!(order, Order::Limit { new: Some(_), .. }) {
            self.1 = Some(process.clone());
        }
        obey(process, by, order)
    }

    fn user(&self, pid: Pid) -> Option<u32> {
        let process = self.0.get(&pid)?;
        Some(process.credentials.lock().user.real)
    }

    fn child(&mut self, parent: Pid, child: Pid, news: News) {
        let Some(parent) = self.0.get(&parent) else {
            return;
        };
        let quiet = matches!(news, News::Changed { .. }) && {
            let action = parent.actions.lock().get(Signal::CHLD);
            action.flags.contains(ActionFlags::NOCLDSTOP)
        };
        if !quiet {
            give(parent, about_child(child, news));
        }
        parent.children_changed.wake_all();
    }

    fn orphaned(&mut self, pid: Pid, by: Pid, uid: u32) {
        let Some(process) = self.0.get(&pid) else {
            return;
        };
        let signal = process.at_parents_end.load(Ordering::Relaxed);
        if let Some(signal) = i32::try_from(signal).ok().and_then(Signal::new) {
            let info = SigInfo::from_process(signal, SI_USER, by.raw(), uid);
            give(process, info);
        }
    }

    fn collects(&self, parent: Pid) -> bool {
        self.0.get(&parent).is_some_and(|parent| {
            let action = parent.actions.lock().get(Signal::CHLD);
            action.handler != SIG_IGN && !action.flags.contains(ActionFlags::NOCLDWAIT)
        })
    }

    fn push(&mut self, pid: Pid, torus: TorusId, asker: (Pid, u64)) -> Option<i32> {
        let process = self.0.get(&pid)?;
        if torus == tori::here().id {
            return Some(0);
        }
        let Some(thread) = process.thread() else {
            return Some(-(Errno::ESRCH as i32));
        };
        match process.moves().wants(torus, asker) {
            Ok(()) => {
                thread.call_attention();
                None
            }
            Err(errno) => Some(-(errno as i32)),
        }
    }

    fn answered(&mut self, pid: Pid) {
        if let Some(thread) = self.0.get(&pid).and_then(|process| process.thread()) {
            thread.wake();
        }
    }

    fn gone(&mut self, pid: Pid) {
        self.0.remove(&pid);
    }

    fn reserve(&mut self) -> bool {
        rings::reserve(1).is_ok()
    }

    fn release(&mut self, places: usize) {
        rings::release(places);
    }

    fn pause(&mut self) {
        cpu::let_interrupts_in();
    }
}

/// SIGCHLD's details about a child's news (sigaction(2)); waitid(2) answers with the same.
pub fn about_child(child: Pid, news: News) -> SigInfo {
    let (code, status, uid) = match news {
        News::Ended(ended) => match ended.status & 0x7f {
            0 => (CLD_EXITED, ended.status >> 8 & 0xff, ended.uid),
            signal if ended.status & 0x80 != 0 => (CLD_DUMPED, signal, ended.uid),
            signal => (CLD_KILLED, signal, ended.uid),
        },
        News::Changed { report, uid } => match report {
            Report::Stopped(signal) => (CLD_STOPPED, signal, uid),
            Report::Continued => (CLD_CONTINUED, Signal::CONT.number() as u32, uid),
        },
    };
    SigInfo {
        signal: Signal::CHLD,
        code,
        fields: Fields::Child {
            pid: child.raw(),
            uid,
            status: status as i32,
        },
    }
}
