use super::*;
use proptest::prelude::*;

/// Few numbers, so that they meet.
fn id() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(1), Just(2), Just(3)]
}

fn wanted() -> impl Strategy<Value = u32> {
    prop_oneof![4 => id(), 1 => Just(KEEP)]
}

prop_compose! {
    fn ids()(real in id(), effective in id(), saved in id(), files in id()) -> Ids {
        Ids { real, effective, saved, files }
    }
}

prop_compose! {
    fn credentials()(
        user in ids(),
        group in ids(),
        groups in proptest::collection::vec(id(), 0..GROUPS_MAX),
        no_new_privileges: bool,
        dumpable: bool,
    ) -> Credentials {
        let groups = Groups::new(groups).unwrap();
        Credentials { user, group, groups, no_new_privileges, dumpable }
    }
}

proptest! {
    #[test]
    fn words_give_the_same(own in credentials()) {
        prop_assert_eq!(Credentials::from_words(&own.words()), own);
    }

    #[test]
    fn identities_travel(own in credentials()) {
        let bytes = own.identity().to_bytes().unwrap();
        prop_assert_eq!(Identity::from_bytes(&bytes).unwrap(), own.identity());
    }

    /// A process of another user than 0 can only take ids that it has already: real, effective or saved.
    #[test]
    fn nobody_becomes_a_stranger(own in ids(), calls in proptest::collection::vec((0..4, [wanted(), wanted(), wanted()]), 1..6)) {
        let known = [own.real, own.effective, own.saved, own.files];
        let mut now = own;
        for (call, [a, b, c]) in calls {
            let before = now;
            let refused = match call {
                0 => now.set(false, a).is_err(),
                1 => now.set_two(false, [a, b]).is_err(),
                2 => now.set_three(false, [a, b, c]).is_err(),
                _ => now.set_files(false, a) != before.files,
            };
            prop_assert!(!refused || now == before);
            for id in [now.real, now.effective, now.saved, now.files] {
                prop_assert!(known.contains(&id), "{:?} of {:?}", now, own);
            }
        }
    }

    /// The superuser gets what it asks for.
    #[test]
    fn the_superuser_is_obeyed(own in ids(), new in [wanted(), wanted(), wanted()]) {
        let mut now = own;
        now.set_three(true, new).unwrap();
        for (new, (old, now)) in new.into_iter().zip([(own.real, now.real), (own.effective, now.effective), (own.saved, now.saved)]) {
            prop_assert_eq!(now, if new == KEEP { old } else { new });
        }
        prop_assert_eq!(now.files, now.effective);
        let mut all = own;
        all.set(true, 7).unwrap();
        prop_assert_eq!(all, Ids { real: 7, effective: 7, saved: 7, files: 7 });
    }

    #[test]
    fn a_program_that_is_executed_gives_its_owner(own in credentials(), mode in 0u32..0o10000, uid in id(), gid in id()) {
        let new = own.executing(Guard { mode, uid, gid });
        let set_user = mode & SET_USER != 0 && !own.no_new_privileges;
        let set_group = mode & SET_GROUP != 0 && mode & 0o010 != 0 && !own.no_new_privileges;
        prop_assert_eq!(new.user.effective, if set_user { uid } else { own.user.effective });
        prop_assert_eq!(new.group.effective, if set_group { gid } else { own.group.effective });
        for (new, old) in [(new.user, own.user), (new.group, own.group)] {
            prop_assert_eq!((new.saved, new.files, new.real), (new.effective, new.effective, old.real));
        }
        prop_assert!(!new.dumpable || !new.is_set_id());
    }
}

#[test]
fn a_saved_user_is_come_back_to() {
    let mut own = Credentials::of(1, 1).user;
    own.saved = 0;
    own.set(false, 0).unwrap();
    assert_eq!((own.real, own.effective, own.files), (1, 0, 0));
    assert_eq!(own.set(false, 5), Err(FileError::NotPermitted));
    assert_eq!(own.set(true, KEEP), Err(FileError::Invalid));
    own.set(true, 1).unwrap();
    assert_eq!(own.set(false, 0), Err(FileError::NotPermitted));
}

#[test]
fn exchanging_two_keeps_the_way_back() {
    let mut own = Ids {
        real: 1,
        effective: 2,
        saved: 2,
        files: 2,
    };
    own.set_two(false, [2, 1]).unwrap();
    assert_eq!((own.real, own.effective, own.saved), (2, 1, 1));
    own.set_two(false, [1, 2]).unwrap();
    assert_eq!((own.real, own.effective, own.saved), (1, 2, 2));
    // The real user may not become the saved one.
    let mut own = Ids {
        real: 1,
        effective: 1,
        saved: 2,
        files: 1,
    };
    assert_eq!(own.set_two(false, [2, KEEP]), Err(FileError::NotPermitted));
}

#[test]
fn signals_are_for_ones_own() {
    assert!(may_signal((0, 0), (5, 6)));
    assert!(may_signal((1, 0), (5, 6)));
    assert!(!may_signal((0, 1), (5, 6)));
    assert!(may_signal((5, 1), (5, 6)));
    assert!(may_signal((1, 6), (5, 6)));
    assert!(!may_signal((1, 2), (5, 6)));
}

#[test]
fn groups_are_bounded() {
    assert!(Groups::new(0..GROUPS_MAX as u32).is_some());
    assert!(Groups::new(0..=GROUPS_MAX as u32).is_none());
}

#[test]
fn who_has_changed_is_not_looked_into() {
    let mut own = Credentials::of(0, 0);
    own.change(|own| own.user.set_three(true, [5, KEEP, KEEP]))
        .unwrap();
    assert!(own.dumpable);
    own.change(|own| own.user.set(true, 5)).unwrap();
    assert!(!own.dumpable);
    let other = Credentials::of(5, 0).identity();
    assert!(!other.may_inspect(&own));
    assert!(Credentials::of(0, 0).identity().may_inspect(&own));
    assert!(other.may_inspect(&Credentials::of(5, 0)));
    assert!(!other.may_inspect(&Credentials::of(6, 0)));
}

#[test]
fn who_may_do_more_is_not_reniced() {
    let user = Credentials::of(1000, 1000);
    let program = user.executing(Guard {
        mode: SET_USER | 0o755,
        uid: 0,
        gid: 0,
    });
    assert!(user.may_renice(&user) && !user.may_renice(&program));
    assert!(program.may_renice(&user) && program.may_renice(&program));
    assert!(Credentials::of(0, 0).may_renice(&program));
    assert!(!user.may_renice(&Credentials::of(1001, 1000)));
}
