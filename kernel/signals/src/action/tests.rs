//! What a sent signal comes to, against POSIX's words.

use super::*;
use crate::info::{SI_USER, SigInfo};
use crate::number::{STOPS, UNMASKABLE};
use crate::pending::Pending;
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;

/// A thread with its process, as the kernel treats one.
#[derive(Default)]
struct Thread {
    actions: Actions,
    pending: Pending,
    mask: u64,
    is_stopped: bool,
    has_ended: bool,
    /// Signals whose handlers have run, with the masks that they ran under.
    handled: Vec<(Signal, u64)>,
}

impl Thread {
    fn send(&mut self, signal: Signal) {
        self.pending.discard(signal.takes_back(), || ());
        self.is_stopped &= !signal.resumes();
        if !self.actions.drops(signal, self.mask) {
            let info = SigInfo::from_process(signal, SI_USER, 1, 0);
            assert!(self.pending.add(info, 1024));
        }
    }

    /// Takes one signal, if one may be taken.
    fn attend(&mut self) -> bool {
        if self.is_stopped || self.has_ended {
            return false;
        }
        let Some(info) = self.pending.take(!self.mask) else {
            return false;
        };
        let action = self.actions.get(info.signal);
        match action.effect(info.signal) {
            Effect::Nothing => {}
            Effect::Stop => self.is_stopped = true,
            Effect::End => self.has_ended = true,
            Effect::Handler => {
                self.mask = action.mask_within(info.signal, self.mask) & !UNMASKABLE;
                self.handled.push((info.signal, self.mask));
                if let Some(action) = action.once_entered() {
                    self.actions.set(info.signal, action);
                }
            }
        }
        true
    }
}

#[derive(Clone, Debug)]
enum Step {
    Send(Signal),
    Arrange(Signal, u64, ActionFlags),
    Block(u64),
    Attend,
}

fn signal() -> impl Strategy<Value = Signal> {
    let job = (17..23).prop_map(|number| Signal::new(number).unwrap());
    let any = (1..=64).prop_map(|number| Signal::new(number).unwrap());
    prop_oneof![job, any]
}

fn flags() -> impl Strategy<Value = ActionFlags> {
    prop::sample::subsequence(vec![ActionFlags::NODEFER, ActionFlags::RESETHAND], 0..=2)
        .prop_map(|flags| flags.into_iter().collect())
}

fn step() -> impl Strategy<Value = Step> {
    let handler = prop_oneof![Just(SIG_DFL), Just(SIG_IGN), Just(0x40_0000)];
    prop_oneof![
        4 => signal().prop_map(Step::Send),
        2 => (signal(), handler, flags()).prop_map(|(signal, handler, flags)| Step::Arrange(signal, handler, flags)),
        1 => any::<u64>().prop_map(|set| Step::Block(set & STOPS | set & set >> 9 & set << 7)),
        3 => Just(Step::Attend),
    ]
}

fn does_end(signal: Signal) -> bool {
    matches!(
        default_of(signal),
        DefaultAction::Terminate | DefaultAction::Core
    )
}

proptest! {
    #[test]
    fn a_thread_obeys_posix(steps in prop::collection::vec(step(), 0..60)) {
        let mut thread = Thread::default();
        for step in steps {
            match step {
                Step::Send(signal) => {
                    thread.send(signal);
                    let waits = thread.pending.set();
                    // Stopping and going on take each other back: they never wait together.
                    prop_assert!(waits & STOPS == 0 || waits & Signal::CONT.bit() == 0);
                    prop_assert!(!signal.resumes() || !thread.is_stopped);
                    // A blocked signal waits even if it is ignored.
                    prop_assert!(thread.mask & signal.bit() == 0 || waits & signal.bit() != 0);
                }
                Step::Arrange(signal, handler, flags) if signal.bit() & UNMASKABLE == 0 => {
                    let action = Action { handler, flags, ..Action::default() };
                    thread.actions.set(signal, action);
                    // sigaction(2): what is ignored from now on does not wait any more.
                    if thread.actions.ignores(signal) {
                        thread.pending.discard(signal.bit(), || ());
                    }
                }
                Step::Arrange(..) => {}
                Step::Block(set) => thread.mask = set & !UNMASKABLE,
                Step::Attend => {
                    let due = thread.pending.set() & !thread.mask;
                    let may = !thread.is_stopped && !thread.has_ended;
                    let (mask, handled) = (thread.mask, thread.handled.len());
                    let actions = thread.actions.clone();
                    prop_assert_eq!(thread.attend(), may && due != 0);
                    prop_assert!(!may || due != Signal::KILL.bit() || thread.has_ended);
                    prop_assert!(!may || due != Signal::STOP.bit() || thread.is_stopped);
                    if thread.handled.len() > handled {
                        let (signal, within) = thread.handled[handled];
                        let defers = !actions.get(signal).flags.contains(ActionFlags::NODEFER);
                        let own = if defers { signal.bit() } else { 0 };
                        prop_assert_eq!(within, mask | own);
                    }
                }
            }
        }
    }

    #[test]
    fn what_a_thread_causes_itself_comes(signal in signal(), mask in any::<u64>(), handler in 0..3u64) {
        let mut actions = Actions::new();
        actions.set(signal, Action { handler, ..Action::default() });
        let caught = actions.catches(signal, mask);
        let after = actions.force(signal, mask);
        prop_assert_eq!(after & signal.bit(), 0);
        prop_assert_eq!(after | signal.bit(), mask | signal.bit());
        prop_assert_eq!(actions.get(signal).effect(signal) == Effect::Handler, caught);
        let ends = !caught && does_end(signal);
        prop_assert_eq!(actions.get(signal).effect(signal) == Effect::End, ends);
    }

    #[test]
    fn exec_keeps_what_is_ignored(signal in signal(), handler in 0..3u64, flags in flags()) {
        let mut actions = Actions::new();
        actions.set(signal, Action { handler, flags, restorer: 1, mask: 2 });
        actions.reset_for_exec();
        let kept = if handler == SIG_IGN { SIG_IGN } else { SIG_DFL };
        prop_assert_eq!(actions.get(signal), Action { handler: kept, ..Action::default() });
    }
}

#[test]
fn a_handler_that_is_to_run_once_runs_once() {
    let mut thread = Thread::default();
    let action = Action {
        handler: 0x40_0000,
        flags: ActionFlags::RESETHAND | ActionFlags::NODEFER,
        ..Action::default()
    };
    thread.actions.set(Signal::USR1, action);
    thread.send(Signal::USR1);
    assert!(thread.attend() && !thread.has_ended);
    thread.send(Signal::USR1);
    assert!(thread.attend() && thread.has_ended);
    assert_eq!(thread.handled.len(), 1);
}

#[test]
fn fatal_signals_are_those_whose_default_ends_a_process() {
    let mut actions = Actions::new();
    let all: Vec<Signal> = (1..=64).filter_map(Signal::new).collect();
    let ends = |signal: &&Signal| does_end(**signal);
    let expected = all.iter().filter(ends).fold(0, |set, s| set | s.bit());
    assert_eq!(actions.fatal(), expected);
    assert_eq!(
        expected & (STOPS | Signal::CONT.bit() | Signal::CHLD.bit()),
        0
    );
    actions.set(
        Signal::TERM,
        Action {
            handler: SIG_IGN,
            ..Action::default()
        },
    );
    assert_eq!(actions.fatal(), expected & !Signal::TERM.bit());
}
