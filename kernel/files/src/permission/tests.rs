use super::*;
use crate::credentials::Groups;
use proptest::prelude::*;

/// Few numbers, so that they meet.
fn id() -> impl Strategy<Value = u32> {
    prop_oneof![1 => Just(0u32), 3 => 1u32..4]
}

prop_compose! {
    fn identity()(user in id(), group in id(), groups in proptest::collection::vec(id(), 0..3)) -> Identity {
        Identity { user, group, groups: Groups::new(groups).unwrap() }
    }
}

prop_compose! {
    fn guard()(bits in 0u32..0o10000, kind in prop_oneof![Just(S_IFDIR), Just(0o100_000)], uid in id(), gid in id()) -> Guard {
        Guard { mode: kind | bits, uid, gid }
    }
}

/// POSIX.1-2024, 4.7 "File Access Permissions", word for word: one right at a time.
fn posix(who: &Identity, file: Guard, right: Access) -> bool {
    let directory = file.mode & S_IFMT == S_IFDIR;
    let granted = |class: &str| {
        let shift = match class {
            "owner" => 6,
            "group" => 3,
            _ => 0,
        };
        file.mode >> shift & right.bits() == right.bits()
    };
    if who.user == 0 {
        // "If a process has appropriate privileges: if read, write, or directory search permission is requested, access shall be
        // granted; if execute permission is requested, access shall be granted if execute permission is granted to at least one
        // user by the file permission bits".
        return right != Access::EXECUTE
            || directory
            || ["owner", "group", "other"].into_iter().any(granted);
    }
    if who.user == file.uid {
        return granted("owner");
    }
    if who.group == file.gid || who.groups.ids().contains(&file.gid) {
        return granted("group");
    }
    granted("other")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn as_posix_says(who in identity(), file in guard(), bits in 0u32..8) {
        let wanted = Access::from_bits_truncate(bits);
        let granted = wanted.iter().all(|right| posix(&who, file, right));
        prop_assert_eq!(may(&who, file, wanted), granted);
    }

    /// Nobody gives a file a power that he has not got.
    #[test]
    fn powers_do_not_spread(who in identity(), file in guard(), mode in 0u32..0o10000, uid in proptest::option::of(id()), gid in proptest::option::of(id())) {
        if let Ok(new) = change_mode(&who, file, mode) {
            prop_assert!(owns(&who, file));
            prop_assert_eq!(new & S_IFMT, file.mode & S_IFMT);
            let set_group = new & SET_GROUP != 0;
            prop_assert!(!set_group || who.is_privileged() || who.is_in(file.gid));
        }
        if let Ok(new) = change_owner(&who, file, uid, gid) {
            if !who.is_privileged() {
                prop_assert_eq!(new.uid, file.uid);
                prop_assert!(new.gid == file.gid || who.is_in(new.gid));
            }
            prop_assert!(new.is_directory() || new.mode & SET_USER == 0);
        }
        if !who.is_privileged() {
            prop_assert_eq!(mode_after_write(&who, file) & SET_USER, 0);
        }
    }

    #[test]
    fn new_files_belong_to_their_makers(who in identity(), directory in guard(), mode in guard()) {
        let new = of_new(&who, directory, mode.mode);
        prop_assert_eq!(new.uid, who.user);
        let inherits = directory.mode & SET_GROUP != 0;
        prop_assert_eq!(new.gid, if inherits { directory.gid } else { who.group });
        prop_assert_eq!(new.mode & !SET_GROUP, mode.mode & !SET_GROUP);
    }
}

#[test]
fn the_first_class_that_fits_decides() {
    let file = Guard {
        mode: 0o100_077,
        uid: 1,
        gid: 1,
    };
    let of = |user, group| Identity {
        user,
        group,
        groups: Groups::NONE,
    };
    assert!(!may(&of(1, 1), file, Access::READ));
    assert!(may(&of(2, 1), file, Access::READ));
    assert!(may(&of(2, 2), file, Access::all()));
}

#[test]
fn names_in_sticky_directories_go_with_owners() {
    let of = |user| Identity {
        user,
        group: 9,
        groups: Groups::NONE,
    };
    let directory = Guard {
        mode: S_IFDIR | 0o1777,
        uid: 1,
        gid: 1,
    };
    let file = Guard {
        mode: 0o100_666,
        uid: 2,
        gid: 2,
    };
    for (user, expected) in [
        (0, Ok(())),
        (1, Ok(())),
        (2, Ok(())),
        (3, Err(FileError::NotPermitted)),
    ] {
        assert_eq!(check_remove(&of(user), directory, file), expected);
    }
    let open = Guard {
        mode: S_IFDIR | 0o777,
        ..directory
    };
    assert_eq!(check_remove(&of(3), open, file), Ok(()));
    let closed = Guard {
        mode: S_IFDIR | 0o1755,
        ..directory
    };
    assert_eq!(check_remove(&of(3), closed, file), Err(FileError::Denied));
}

#[test]
fn times_are_the_owners() {
    let of = |user| Identity {
        user,
        group: 9,
        groups: Groups::NONE,
    };
    let file = Guard {
        mode: 0o100_602,
        uid: 1,
        gid: 1,
    };
    assert_eq!(check_times(&of(1), file, false), Ok(()));
    assert_eq!(check_times(&of(2), file, true), Ok(()));
    assert_eq!(
        check_times(&of(2), file, false),
        Err(FileError::NotPermitted)
    );
    let closed = Guard {
        mode: 0o100_600,
        ..file
    };
    assert_eq!(check_times(&of(2), closed, true), Err(FileError::Denied));
}
