use super::*;
use alloc::collections::BTreeMap;
use proptest::prelude::*;

#[test]
fn lowest_number_first() {
    let mut table = Table::new(|| ());
    for expected in 0..3 {
        assert_eq!(table.insert("x", false, 0, 4), Ok(expected));
    }
    assert_eq!(table.remove(1), Ok("x"));
    assert_eq!(table.insert("y", true, 0, 4), Ok(1));
    assert_eq!(table.insert("z", false, 0, 4), Ok(3));
    assert_eq!(table.insert("w", false, 0, 4), Err(FileError::TooManyOpen));
    assert_eq!(table.take_close_on_exec(0), Some((1, "y")));
    assert_eq!(table.take_close_on_exec(0), None);
    assert_eq!(table.get(1), Err(FileError::BadDescriptor));
    assert_eq!(table.get(-1), Err(FileError::BadDescriptor));
    assert_eq!(
        table.replace(9, "v", false, 9),
        Err(FileError::BadDescriptor)
    );
    assert_eq!(table.insert("u", false, 7, 9), Ok(7));
    assert_eq!(table.numbers().collect::<Vec<_>>(), [0, 2, 3, 7]);
}

proptest! {
    #[test]
    fn takes_out_what_execve_closes(
        open in prop::collection::btree_map(0i32..9000, any::<bool>(), 0..200),
        changed in prop::collection::vec((0i32..9000, any::<bool>()), 0..50),
        from in 0i32..9000,
    ) {
        let (mut table, mut model) = (Table::new(|| ()), open);
        for (fd, closes) in &model {
            prop_assert_eq!(table.replace(*fd, *fd, *closes, 9000), Ok(None));
        }
        for (fd, closes) in changed {
            match model.get_mut(&fd) {
                Some(old) => {
                    *old = closes;
                    prop_assert_eq!(table.set_close_on_exec(fd, closes), Ok(()));
                    prop_assert_eq!(table.close_on_exec(fd), Ok(closes));
                }
                None => prop_assert!(table.set_close_on_exec(fd, closes).is_err()),
            }
        }
        let mut table = table.duplicate(|file| file % 5 != 0).unwrap();
        model.retain(|fd, _| fd % 5 != 0);
        let taken = core::iter::from_fn(|| Some(table.take_close_on_exec(from)?.0));
        let taken: Vec<i32> = taken.collect();
        let closed = |(fd, closes): (&i32, &bool)| (*closes && *fd >= from).then_some(*fd);
        let all: Vec<i32> = model.iter().filter_map(closed).collect();
        prop_assert_eq!(&taken, &all);
        model.retain(|fd, _| !all.contains(fd));
        prop_assert!(table.numbers().eq(model.keys().copied()));
    }

    #[test]
    fn is_a_map_of_numbers(operations in prop::collection::vec((0u8..6, 0usize..9000), 1..400)) {
        let (mut table, mut model) = (Table::new(|| ()), BTreeMap::new());
        for (operation, number) in operations {
            let fd = number as i32;
            match operation {
                0 => prop_assert_eq!(table.replace(fd, number, false, 9000), Ok(model.insert(fd, number))),
                1 => {
                    // Runs of neighbours fill chunks.
                    for near in number..(number + 150).min(9000) {
                        let _ = table.replace(near as i32, near, true, 9000);
                        model.insert(near as i32, near);
                    }
                }
                2 => {
                    let free = (fd..).find(|fd| !model.contains_key(fd)).unwrap_or(fd);
                    let result = table.insert(number, false, number, 9000);
                    if free < 9000 {
                        prop_assert_eq!(result, Ok(free));
                        model.insert(free, number);
                    } else {
                        prop_assert_eq!(result, Err(FileError::TooManyOpen));
                    }
                }
                3 => prop_assert_eq!(table.remove(fd).ok(), model.remove(&fd)),
                4 => table = table.duplicate(|file| file % 7 != 0).unwrap(),
                _ => prop_assert_eq!(table.next(fd), model.range(fd..).next().map(|(fd, _)| *fd)),
            }
            prop_assert_eq!(table.last(), table.numbers().last());
            if operation == 4 {
                model.retain(|_, file| *file % 7 != 0);
            }
        }
        prop_assert!(table.numbers().eq(model.keys().copied()));
        let mut files = Vec::new();
        table.dissolve(|file| files.push(file));
        files.sort_unstable();
        let mut expected: Vec<usize> = model.into_values().collect();
        expected.sort_unstable();
        prop_assert_eq!(files, expected);
    }
}
