use super::*;
use alloc::collections::BTreeSet;
use proptest::prelude::*;

proptest! {
    #[test]
    fn is_a_set_of_pairs(operations in prop::collection::vec((0u8..6, 1u32..9, 1u32..9), 1..200)) {
        let (mut shown, mut model) = (Shown::new(), BTreeSet::new());
        for (operation, object, lineage) in operations {
            let pair = (Owner(object), Owner(lineage));
            match operation {
                0 => {
                    shown.forget_object(pair.0, || ());
                    model.retain(|(object, _)| *object != pair.0);
                }
                1 => {
                    shown.forget_lineage(pair.1, || ());
                    model.retain(|(_, lineage)| *lineage != pair.1);
                }
                _ => {
                    shown.add(pair.0, pair.1).unwrap();
                    model.insert(pair);
                }
            }
            let mut from = Owner(0);
            let lineages = core::iter::from_fn(|| {
                let found = shown.next(pair.0, from)?;
                from = Owner(found.0 + 1);
                Some((pair.0, found))
            });
            let of_object = |(object, _): &&(Owner, Owner)| *object == pair.0;
            prop_assert!(lineages.eq(model.iter().filter(of_object).copied()));
            prop_assert_eq!(shown.by_lineage.len(), model.len());
        }
    }
}
