use super::*;

#[test]
fn dead_entries_do_not_pile_up() {
    let mut map = WeakMap::new();
    let living: alloc::vec::Vec<_> = (0..100)
        .map(|key| map.get_or_insert(key, &Arc::new(key)))
        .collect();
    for key in 100..10_000 {
        map.get_or_insert(key, &Arc::new(key));
    }
    assert!(
        map.entries.len() < 2 * living.len() + 200,
        "{} entries",
        map.entries.len()
    );
    assert_eq!(map.sweep(|| ()), living.len());
}

#[test]
fn the_first_living_value_stays() {
    let mut map = WeakMap::new();
    let first = Arc::new(1);
    assert!(Arc::ptr_eq(&map.get_or_insert(7, &first), &first));
    assert!(Arc::ptr_eq(&map.get_or_insert(7, &Arc::new(2)), &first));
    drop(first);
    assert!(map.get(&7).is_none());
    let second = Arc::new(3);
    assert!(Arc::ptr_eq(&map.get_or_insert(7, &second), &second));
}
