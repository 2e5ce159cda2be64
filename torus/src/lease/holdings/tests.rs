use super::*;
use proptest::prelude::*;

type Tried = Holdings<u64, ()>;

const NAMES: u64 = 4;

fn name(number: u64) -> Name {
    (TorusId::ZERO, number)
}

#[test]
fn a_name_has_one_object() {
    let mut all = Tried::new();
    let [first, second] = [1, 2].map(Arc::new);
    let entry = |object, lease| Entry::new(object, lease, ());
    assert_eq!(all.add(name(7), entry(&first, 1)), Ok(true));
    assert_eq!(all.add(name(7), entry(&second, 2)), Ok(false));
    // Nobody has heard of the second one.
    all.end(name(7), 2);
    assert_eq!(all.take_ended(), None);
    assert_eq!(all.leased(TorusId::ZERO, 1), Some((first, 7)));
    assert_eq!(all.leased(TorusId::ZERO, 2), None);
}

proptest! {
    /// Objects come, are given, end and are given back in any order: each that has ended is given back once, as often as it was given.
    #[test]
    fn what_ends_is_given_back_once(steps in prop::collection::vec((0..4_u8, 0..NAMES), 0..80)) {
        let mut all = Tried::new();
        let mut alive: BTreeMap<u64, (Arc<u64>, u32)> = BTreeMap::new();
        let mut ended: BTreeMap<u64, u32> = BTreeMap::new();
        for (lease, (step, number)) in (0..).zip(steps) {
            match step {
                0 => {
                    let object = Arc::new(lease);
                    let free = !alive.contains_key(&number) && !ended.contains_key(&number);
                    let entry = Entry::new(&object, lease, ());
                    prop_assert_eq!(all.add(name(number), entry), Ok(free));
                    if free {
                        alive.insert(number, (object, 0));
                    }
                }
                1 => if let Some((_, given)) = alive.get_mut(&number) {
                    *given += 1;
                    all.get_mut(name(number)).expect("it is listed").holds += 1;
                },
                2 => if let Some((object, given)) = alive.remove(&number) {
                    all.end(name(number), *object);
                    ended.insert(number, given);
                },
                _ => if let Some((gone, given)) = all.take_ended() {
                    prop_assert_eq!(ended.remove(&gone.1), Some(given));
                    prop_assert!(all.remove(gone).is_some());
                },
            }
            for (number, (object, _)) in &alive {
                prop_assert_eq!(all.object(name(*number)), Some(Some(object.clone())));
                let found = all.leased(TorusId::ZERO, **object);
                prop_assert_eq!(found, Some((object.clone(), *number)));
            }
            prop_assert_eq!(all.is_empty(), alive.is_empty() && ended.is_empty());
        }
        while let Some((gone, given)) = all.take_ended() {
            prop_assert_eq!(ended.remove(&gone.1), Some(given));
            drop(all.remove(gone));
        }
        prop_assert!(ended.is_empty());
    }
}
