//! What a signal does to a call that waits (signal(7), "Interruption of system calls and library functions").
//!
//! Every call of the kernel has one [`Interruption`]. A call that runs again keeps its progress (bytes moved, deadline), so that
//! Linux's `ERESTARTNOHAND` and `ERESTART_RESTARTBLOCK` are one kind here: without a handler both simply wait on.

/// How signals interrupt the waits of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Interruption {
    /// Nothing but the end of its process ends the wait: on Linux the call does not wait, or cannot be interrupted.
    Never = 0,
    /// The call ends with the bytes that it has moved. Without any it is made again after a handler that was set with SA_RESTART,
    /// and fails with EINTR after others (`ERESTARTSYS`).
    Restarts = 1,
    /// The call fails with EINTR after any handler; while none runs it waits on, to the same deadline (`ERESTARTNOHAND` and
    /// `ERESTART_RESTARTBLOCK`).
    Fails = 2,
    /// As [`Self::Fails`]; also a stop of its process that ends again makes it fail.
    FailsAtStops = 3,
}

/// What becomes of a call whose wait is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It answers with the bytes that it has moved.
    Moved(usize),
    /// It fails with EINTR.
    Fails,
    /// It is made again from its start when the handler has returned.
    Again,
}

impl Interruption {
    /// What becomes of a call that has moved `done` bytes, when a handler is to run, `restart` saying whether it was set with
    /// SA_RESTART. `None`: the handler runs when the call is over.
    pub const fn by_handler(self, done: usize, restart: bool) -> Option<Settled> {
        match self {
            Self::Never => None,
            Self::Restarts if done > 0 => Some(Settled::Moved(done)),
            Self::Restarts if restart => Some(Settled::Again),
            Self::Restarts | Self::Fails | Self::FailsAtStops => Some(Settled::Fails),
        }
    }

    /// Whether signals other than SIGKILL have to wait until the call is over.
    pub const fn holds_signals(self) -> bool {
        matches!(self, Self::Never)
    }

    /// Whether the call fails when its process is stopped.
    pub const fn ends_at_stop(self) -> bool {
        matches!(self, Self::FailsAtStops)
    }

    /// The kind of a number, as which it travels between tori.
    pub const fn of_word(word: u64) -> Option<Self> {
        match word {
            0 => Some(Self::Never),
            1 => Some(Self::Restarts),
            2 => Some(Self::Fails),
            3 => Some(Self::FailsAtStops),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Interruption; 4] = [
        Interruption::Never,
        Interruption::Restarts,
        Interruption::Fails,
        Interruption::FailsAtStops,
    ];

    proptest! {
        /// No byte that was moved is forgotten, and none is moved twice.
        #[test]
        fn moved_bytes_are_told_once(done in 1usize.., restart: bool) {
            prop_assert_eq!(
                Interruption::Restarts.by_handler(done, restart),
                Some(Settled::Moved(done))
            );
        }

        /// Only what restarts by Linux's rules is made again, and only after a handler with SA_RESTART.
        #[test]
        fn only_restarts_are_made_again(kind in prop::sample::select(&ALL[..]), done: usize, restart: bool) {
            let again = kind.by_handler(done, restart) == Some(Settled::Again);
            prop_assert_eq!(again, kind == Interruption::Restarts && restart && done == 0);
        }

        /// Handlers run during a call exactly when it does not hold signals back.
        #[test]
        fn what_holds_signals_is_never_settled(kind in prop::sample::select(&ALL[..]), done: usize, restart: bool) {
            prop_assert_eq!(kind.by_handler(done, restart).is_none(), kind.holds_signals());
        }
    }

    #[test]
    fn numbers_and_kinds_agree() {
        for kind in ALL {
            assert_eq!(Interruption::of_word(kind as u64), Some(kind));
        }
        assert_eq!(Interruption::of_word(4), None);
    }
}
