//! Failures that are asked for.

use std::cell::Cell;

use braid_test_programs::call;

/// fail_allocation (docs/abi.md).
const FAIL_ALLOCATION: i64 = 4113;

/// Where allocations fail, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failures {
    /// On this torus.
    pub(crate) torus: usize,
    /// As if memory were short.
    pub(crate) short: bool,
}

thread_local! {
    static ARMED: Cell<Option<Failures>> = const { Cell::new(None) };
    static REACHED: Cell<bool> = const { Cell::new(false) };
}

fn ask(failures: Failures, number: usize) -> usize {
    let flags = usize::from(failures.short);
    call(FAIL_ALLOCATION, [failures.torus, number, flags]).expect("the word fail-allocations")
}

/// Has allocation `number` from now on fail.
pub(crate) fn arm(failures: Failures, number: usize) {
    ARMED.set(Some(failures));
    ask(failures, number);
}

/// Has none fail any more; whether the one that was to has.
pub(crate) fn disarm() -> bool {
    if let Some(failures) = ARMED.take() {
        REACHED.set(ask(failures, 0) == 0);
    }
    REACHED.get()
}
