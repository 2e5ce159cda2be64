use super::*;
use alloc::vec::Vec;
use proptest::prelude::*;

const END: u64 = u64::MAX;

fn lock(owner: u64, kind: Kind, start: u64, end: u64) -> Lock {
    let (owner, pid) = (Owner(owner), owner as i32);
    Lock {
        owner,
        pid,
        kind,
        start,
        end,
    }
}

fn ranges(locks: &Locks, owner: u64) -> Vec<(u64, u64)> {
    let own = locks.all().filter(|held| held.owner == Owner(owner));
    own.map(|held| (held.start, held.end)).collect()
}

#[test]
fn shared_and_exclusive() {
    use Kind::{Exclusive, Shared};
    let mut locks = Locks::default();
    assert_eq!(locks.set(lock(1, Shared, 0, 10)), Ok(()));
    assert_eq!(locks.set(lock(2, Shared, 5, END)), Ok(()));
    let held = lock(1, Shared, 0, 10);
    assert_eq!(
        locks.set(lock(2, Exclusive, 9, 11)),
        Err(Refused::Held(held))
    );
    assert_eq!(locks.set(lock(2, Exclusive, 10, 11)), Ok(()));
    assert_eq!(ranges(&locks, 2), [(5, 10), (10, 11), (11, END)]);
    assert!(locks.in_the_way(&lock(3, Shared, 11, 12)).is_none());
    assert_eq!(locks.in_the_way(&lock(3, Shared, 10, 12)).unwrap().pid, 2);
    assert_eq!(locks.set(lock(2, Shared, 10, 11)), Ok(()));
    assert_eq!(ranges(&locks, 2), [(5, END)], "what is alike is one lock");
    assert!(locks.release(Owner(2)) && !locks.release(Owner(2)));
}

#[test]
fn ranges_are_cut() {
    let mut locks = Locks::default();
    assert_eq!(locks.set(lock(1, Kind::Exclusive, 0, END)), Ok(()));
    assert!(locks.splits(Owner(1), 10, 20) && !locks.splits(Owner(1), 0, 20));
    assert_eq!(locks.clear(Owner(1), 10, 20), Ok(true));
    assert!(locks.has(Owner(1), 2) && !locks.has(Owner(1), 3) && locks.has(Owner(2), 0));
    assert!(!locks.splits(Owner(1), 12, 20) && !locks.splits(Owner(1), 5, 30));
    assert_eq!(locks.clear(Owner(1), 12, 20), Ok(false));
    assert_eq!(ranges(&locks, 1), [(0, 10), (20, END)]);
    assert_eq!(locks.set(lock(2, Kind::Exclusive, 10, 20)), Ok(()));
    assert_eq!(locks.clear(Owner(1), 5, 25), Ok(true));
    assert_eq!(ranges(&locks, 1), [(0, 5), (25, END)]);
}

#[test]
fn circles_are_deadlocks() {
    let mut waits = Waits::new(|| ());
    let [a, b, c] = [1, 2, 3].map(Owner);
    assert_eq!(waits.begin(a, b, 10), Ok(()));
    assert_eq!(waits.begin(b, c, 11), Ok(()));
    assert_eq!(waits.begin(c, a, 12), Err(Refused::Deadlock));
    assert_eq!(waits.begin(a, b, 10), Ok(()), "looking again is no circle");
    waits.changed(11);
    assert_eq!(waits.begin(c, a, 12), Ok(()));
    assert_eq!(waits.begin(b, c, 11), Err(Refused::Deadlock));
    waits.end(a);
    assert_eq!(waits.begin(b, c, 11), Ok(()));
}

/// Random operations agree with a table of bytes.
#[test]
fn like_a_table_of_bytes() {
    const BYTES: usize = 16;
    let mut locks = Locks::default();
    let mut table = [[None; BYTES]; 3];
    let mut random = 1u64;
    for _ in 0..20_000 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let word = random >> 33;
        let (owner, start) = ((word % 3) as usize, (word >> 4) as usize % BYTES);
        let end = start + 1 + (word >> 10) as usize % (BYTES - start);
        let kind = [Kind::Shared, Kind::Exclusive][(word >> 16) as usize % 2];
        if word >> 20 & 3 == 0 {
            assert!(
                locks
                    .clear(Owner(owner as u64), start as u64, end as u64)
                    .is_ok()
            );
            table[owner][start..end].fill(None);
        } else {
            let others = (0..3).filter(|other| *other != owner);
            let free = others
                .flat_map(|other| &table[other][start..end])
                .all(|held| held.is_none_or(|held| held == Kind::Shared && kind == Kind::Shared));
            let set = locks.set(lock(owner as u64, kind, start as u64, end as u64));
            assert_eq!(set.is_ok(), free);
            if free {
                table[owner][start..end].fill(Some(kind));
            }
        }
        for (owner, bytes) in table.iter().enumerate() {
            for (at, expected) in bytes.iter().enumerate() {
                let mut held = locks.all().filter(|held| {
                    held.owner == Owner(owner as u64) && held.overlaps(at as u64, at as u64 + 1)
                });
                assert_eq!(held.next().map(|held| held.kind), *expected);
                assert_eq!(held.next(), None, "no byte twice");
            }
        }
    }
}

/// A ring of waits is noticed as far as Linux notices it.
#[test]
fn a_long_ring_is_not_noticed() {
    for (owners, noticed) in [(12, true), (13, false)] {
        let mut waits = Waits::new(|| ());
        for owner in 1..owners {
            assert_eq!(waits.begin(Owner(owner), Owner(owner + 1), owner), Ok(()));
        }
        let last = waits.begin(Owner(owners), Owner(1), 0);
        assert_eq!(last == Err(Refused::Deadlock), noticed, "{owners}");
    }
}

proptest! {
    /// Who waits for what, against a list that is searched.
    #[test]
    fn waits_are_found_by_file(operations in prop::collection::vec((0u8..4, 1u64..9, 1u64..9, 0u64..4), 1..200)) {
        let (mut waits, mut model) = (Waits::new(|| ()), Vec::<(u64, u64, u64)>::new());
        for (operation, owner, holder, file) in operations {
            match operation {
                0 => {
                    waits.changed(file);
                    model.retain(|(.., of)| *of != file);
                }
                1 => {
                    waits.end(Owner(owner));
                    model.retain(|(of, ..)| *of != owner);
                }
                _ if owner != holder => {
                    model.retain(|(of, ..)| *of != owner);
                    let mut at = holder;
                    while let Some((_, next, _)) = model.iter().find(|(of, ..)| *of == at) {
                        at = *next;
                        if at == owner {
                            break;
                        }
                    }
                    let ring = at == owner;
                    let begun = waits.begin(Owner(owner), Owner(holder), file);
                    prop_assert_eq!(begun == Err(Refused::Deadlock), ring);
                    if !ring {
                        model.push((owner, holder, file));
                    }
                }
                _ => {}
            }
            prop_assert_eq!(waits.by_owner.len(), model.len());
            prop_assert_eq!(waits.by_file.len(), model.len());
        }
    }
}
