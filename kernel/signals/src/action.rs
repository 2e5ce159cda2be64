//! What a process has arranged for each signal (rt_sigaction(2)).

use super::Signal;

/// Default action.
pub const SIG_DFL: u64 = 0;
/// Ignore.
pub const SIG_IGN: u64 = 1;

bitflags::bitflags! {
    /// Flags of an action.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct ActionFlags: u64 {
        /// No SIGCHLD when a child stops or goes on.
        const NOCLDSTOP = 1;
        /// Children leave no zombies.
        const NOCLDWAIT = 2;
        /// The handler wants siginfo.
        const SIGINFO = 4;
        /// `restorer` is set.
        const RESTORER = 0x0400_0000;
        /// Run on the alternative stack.
        const ONSTACK = 0x0800_0000;
        /// Interrupted calls run again.
        const RESTART = 0x1000_0000;
        /// The signal is not blocked in its handler.
        const NODEFER = 0x4000_0000;
        /// Back to the default once the handler is entered.
        const RESETHAND = 0x8000_0000;
        /// What a program sets beyond these is kept for it.
        const _ = !0;
    }
}

/// One signal's action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// [`SIG_DFL`], [`SIG_IGN`] or an address.
    pub handler: u64,
    /// How to run it.
    pub flags: ActionFlags,
    /// Where the handler returns to.
    pub restorer: u64,
    /// Blocked while it runs.
    pub mask: u64,
}

impl Action {
    /// What a signal with this action does to the thread that takes it.
    pub fn effect(&self, signal: Signal) -> Effect {
        match (self.handler, default_of(signal)) {
            (SIG_IGN, _) => Effect::Nothing,
            (SIG_DFL, DefaultAction::Ignore | DefaultAction::Continue) => Effect::Nothing,
            (SIG_DFL, DefaultAction::Stop) => Effect::Stop,
            (SIG_DFL, DefaultAction::Terminate | DefaultAction::Core) => Effect::End,
            _ => Effect::Handler,
        }
    }

    /// What is blocked while its handler runs for `signal`, where `mask` was before.
    pub fn mask_within(&self, signal: Signal, mask: u64) -> u64 {
        let own = if self.flags.contains(ActionFlags::NODEFER) {
            0
        } else {
            signal.bit()
        };
        mask | self.mask | own
    }

    /// What the action becomes when its handler is about to run; none where it stays.
    pub fn once_entered(self) -> Option<Self> {
        let is_once = self.flags.contains(ActionFlags::RESETHAND);
        is_once.then_some(Self {
            handler: SIG_DFL,
            ..self
        })
    }
}

/// What a signal does to the thread that takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Nothing,
    /// The process stops.
    Stop,
    /// The process ends.
    End,
    /// The handler runs.
    Handler,
}

/// What the kernel does with a signal that has neither handler nor is ignored (signal(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultAction {
    /// The process ends.
    Terminate,
    /// The process ends, and would leave a core on Linux.
    Core,
    /// Nothing.
    Ignore,
    /// The process stops.
    Stop,
    /// The process goes on.
    Continue,
}

/// The default action of `signal`.
pub fn default_of(signal: Signal) -> DefaultAction {
    match signal {
        Signal::CHLD | Signal::URG | Signal::WINCH => DefaultAction::Ignore,
        Signal::CONT => DefaultAction::Continue,
        Signal::STOP | Signal::TSTP | Signal::TTIN | Signal::TTOU => DefaultAction::Stop,
        Signal::QUIT
        | Signal::ILL
        | Signal::TRAP
        | Signal::ABRT
        | Signal::BUS
        | Signal::FPE
        | Signal::SEGV
        | Signal::XCPU
        | Signal::XFSZ
        | Signal::SYS => DefaultAction::Core,
        _ => DefaultAction::Terminate,
    }
}

/// The actions of a process.
#[derive(Clone, Debug)]
pub struct Actions([Action; 64]);

impl Actions {
    /// Every signal at its default.
    pub const fn new() -> Self {
        const NONE: Action = Action {
            handler: SIG_DFL,
            flags: ActionFlags::empty(),
            restorer: 0,
            mask: 0,
        };
        Self([NONE; 64])
    }

    /// The action of `signal`.
    pub fn get(&self, signal: Signal) -> Action {
        self.0[signal.number() as usize - 1]
    }

    /// Sets the action of `signal`.
    pub fn set(&mut self, signal: Signal, action: Action) {
        self.0[signal.number() as usize - 1] = action;
    }

    /// What execve keeps: ignored signals stay ignored, handlers become defaults.
    pub fn reset_for_exec(&mut self) {
        for action in &mut self.0 {
            let handler = if action.handler == SIG_IGN {
                SIG_IGN
            } else {
                SIG_DFL
            };
            *action = Action {
                handler,
                ..Action::default()
            };
        }
    }

    /// The signals that end the process.
    pub fn fatal(&self) -> u64 {
        let ends = |signal: &Signal| {
            let ends = matches!(
                default_of(*signal),
                DefaultAction::Terminate | DefaultAction::Core
            );
            ends && self.get(*signal).handler == SIG_DFL
        };
        let all = (1..=64).filter_map(Signal::new);
        all.filter(ends).fold(0, |set, signal| set | signal.bit())
    }

    /// Whether a signal of this kind is dropped rather than kept for a thread that does not block it.
    pub fn ignores(&self, signal: Signal) -> bool {
        match self.get(signal).handler {
            SIG_IGN => true,
            SIG_DFL => matches!(default_of(signal), DefaultAction::Ignore),
            _ => false,
        }
    }

    /// Whether a signal is dropped that is sent to a thread with this mask. What a thread blocks waits even where it is ignored now, and
    /// SIGCONT is looked at in any case.
    pub fn drops(&self, signal: Signal, mask: u64) -> bool {
        mask & signal.bit() == 0 && self.ignores(signal) && signal != Signal::CONT
    }

    /// Whether a signal that a thread with this mask causes itself will run a handler.
    pub fn catches(&self, signal: Signal, mask: u64) -> bool {
        let is_handled = !matches!(self.get(signal).handler, SIG_IGN | SIG_DFL);
        mask & signal.bit() == 0 && is_handled
    }

    /// A thread with this mask causes a signal itself, which nothing holds back: where it is blocked or ignored its default action is
    /// taken. Answers the mask after that.
    pub fn force(&mut self, signal: Signal, mask: u64) -> u64 {
        if mask & signal.bit() == 0 && self.get(signal).handler != SIG_IGN {
            return mask;
        }
        self.set(signal, Action::default());
        mask & !signal.bit()
    }
}

impl Default for Actions {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
