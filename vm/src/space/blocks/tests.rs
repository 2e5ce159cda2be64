use super::*;
use proptest::prelude::*;

/// What the sequence of blocks has to be like, and what it holds.
fn check(blocks: &Blocks<u16, 8>, model: &[u16]) {
    assert!(blocks.iter().eq(model));
    assert_eq!(blocks.len(), model.len());
    let sizes: Vec<usize> = blocks.blocks.iter().map(Vec::len).collect();
    if let [_, _, ..] = sizes[..] {
        assert!(sizes.iter().all(|size| (1..=8).contains(size)), "{sizes:?}");
        assert!(
            sizes.windows(2).all(|pair| pair[0] + pair[1] > 4),
            "{sizes:?}"
        );
        let roomy = |block: &Vec<u16>| block.capacity() >= 8;
        assert!(blocks.blocks.iter().chain(&blocks.spare).all(roomy));
    }
    for limit in model.iter().step_by(3) {
        let at = model.partition_point(|item| item < limit);
        let place = blocks.partition_point(|item| item < limit);
        assert_eq!(blocks.get(place), model.get(at));
        let before = blocks.before(place).and_then(|before| blocks.get(before));
        assert_eq!(before, at.checked_sub(1).map(|before| &model[before]));
        assert!(blocks.onward(place).eq(&model[at..]));
        assert!(blocks.backward(place).eq(model[..at].iter().rev()));
    }
}

proptest! {
    #[test]
    fn is_a_sorted_vector(operations in prop::collection::vec((0u8..8, 0u16..400, 1u16..60), 1..300)) {
        let (mut blocks, mut model) = (Blocks::<u16, 8>::new(), Vec::new());
        for (operation, item, more) in operations {
            let place = blocks.partition_point(|other| *other < item);
            let at = model.partition_point(|other| *other < item);
            match operation {
                0..4 => {
                    blocks.reserve(2).unwrap();
                    let capacity = blocks.spare.len();
                    blocks.insert(place, item);
                    let place = blocks.partition_point(|other| *other < item);
                    blocks.insert(place.next(), item);
                    prop_assert!(blocks.spare.len() + 2 >= capacity);
                    model.splice(at..at, [item; 2]);
                }
                4 if at < model.len() => {
                    blocks.remove(place);
                    model.remove(at);
                }
                5 => {
                    blocks.remove_while(|other| *other < item, |other| *other < item + more, drop);
                    model.retain(|other| !(item..item + more).contains(other));
                }
                6 => {
                    let mut copy = Blocks::new();
                    copy.take_copies(&blocks, || ()).unwrap();
                    blocks = copy;
                }
                _ => {
                    prop_assert_eq!(blocks.get_mut(place), model.get_mut(at));
                }
            }
            check(&blocks, &model);
        }
        blocks.clear(|| ());
        check(&blocks, &[]);
    }
}

#[test]
fn what_is_appended_fills_its_blocks() {
    let mut blocks = Blocks::<u16, 8>::new();
    for item in 0..80 {
        blocks.reserve(1).unwrap();
        blocks.insert(blocks.partition_point(|other| *other < item), item);
    }
    assert_eq!(blocks.blocks.len(), 10);
}
