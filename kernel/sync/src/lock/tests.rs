use super::*;

fn closed() -> u32 {
    head::with(|head| head.closed.get())
}

#[test]
fn a_core_handles_no_interrupts_until_the_last_such_lock_is_let_go() {
    let locks = [IrqLock::new(1), IrqLock::new(2)];
    let mut first = locks[0].lock();
    *first += 1;
    let second = locks[1].lock();
    head::with(|head| head.deferred.set(true));
    assert_eq!((*first, *second, closed()), (2, 2, 2));
    drop(first);
    assert_eq!(closed(), 1);
    // Interrupts that were put off wait until the core has dropped its last lock of this kind.
    assert!(head::with(|head| head.deferred.get()));
    drop(second);
    assert_eq!(closed(), 0);
    assert!(!head::with(|head| head.deferred.get()));
}
