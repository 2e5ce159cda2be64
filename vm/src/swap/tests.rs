use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_changed_page_is_noticed(seed in any::<u64>(), key in any::<u64>(), at in 0..PAGE_SIZE, by in 1u8..) {
        let (counts, sums) = ([const { AtomicU16::new(0) }; 4], [const { AtomicU32::new(0) }; 4]);
        let blocks = [AtomicU16::new(0)];
        let slots = SlotTable::new(&counts, &sums, &blocks, key);
        let mut page = [0; PAGE_SIZE];
        let mut state = seed;
        for byte in &mut page {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (state >> 56) as u8;
        }
        let slot = slots.take(|| ()).unwrap();
        slots.seal(slot, &page);
        prop_assert!(slots.is_intact(slot, &page));
        page[at] ^= by;
        prop_assert!(!slots.is_intact(slot, &page));
        page[at] ^= by;
        let other = page[PAGE_SIZE - 1 - at];
        page.swap(at, PAGE_SIZE - 1 - at);
        prop_assert_eq!(slots.is_intact(slot, &page), page[PAGE_SIZE - 1 - at] == other);
    }
}

#[test]
fn keys_matter() {
    let page = [7; PAGE_SIZE];
    assert_ne!(checksum(&page, 5), checksum(&page, 1 << 40));
    assert_ne!(checksum(&[0; PAGE_SIZE], 5), checksum(&page, 5));
}
