//! What the scheduler needs of those whose threads it runs.

use crate::account::Used;
use crate::own::Current;
use crate::thread::Thread;
use alloc::sync::Arc;
use braid_time::Nanos;

/// What a thread goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Its program.
    Program,
    /// A call that runs once more each time that the thread is woken.
    Call,
    /// Nothing, before it is woken: it is stopped.
    Nothing,
}

/// The type of what threads have, of which there is one in a program: [`threads_are!`](crate::threads_are) says which.
///
/// # Safety
/// No other type of the program has this trait: what the scheduler keeps of each core has the type of its threads.
pub unsafe trait Sole {}

/// Says of what type that is that threads have; the program does not link when it is said of two.
#[macro_export]
macro_rules! threads_are {
    ($owner:ty) => {
        const _: () = {
            #[unsafe(export_name = "threads_are")]
            static TAKEN: u8 = 0;
            // SAFETY: K3, there is one symbol of this name.
            unsafe impl $crate::Sole for $owner {}
        };
    };
}

/// What a [`Thread`] has besides what the scheduler needs: whoever makes threads says with it what they do.
///
/// The functions run on the thread's core, where nothing says otherwise. No lock is held.
pub trait Owner: Sole + Sized + Send + Sync + 'static {
    /// What a thread has that the core alone touches that it is on: cells.
    type Own: Default + Send;

    /// What a thread goes on with. Asked on the way out of each trap: it only looks.
    fn next(thread: &Current<Self>) -> Next;

    /// Does what the thread's attention was [called](Thread::call_attention) for. False: it waits, or has left the core.
    fn attend(thread: &Current<Self>) -> bool;

    /// Runs the call of a thread that was woken, if there is one and the thread is not stopped.
    fn run_call(thread: &Current<Self>);

    /// The core leaves the address space of `from` for that of `to`, or for the kernel's.
    fn change_space(from: Option<&Current<Self>>, to: Option<&Current<Self>>);

    /// The thread has used so much of its core since that was counted last.
    fn charge(thread: &Thread<Self>, used: Used);

    /// Nanoseconds that the thread may run at the most before its time is counted.
    fn left(thread: &Thread<Self>) -> u64;

    /// A thread's alarm has fired, which was set for this time. On the core that it was set on.
    fn alarm(thread: &Arc<Thread<Self>>, at: Nanos);

    /// Takes in what devices have noted for this core; whether there was anything.
    fn take_in() -> bool;

    /// Sees to what nobody waits for, between two turns or when the core has no thread.
    fn keep_up();

    /// The core has no thread, and before it looks for one.
    fn idle();

    /// Work for a core that finds nothing else to do. False when there is none before something else happens.
    fn idle_work() -> bool;

    /// The core's timer has fired.
    fn tick();
}
