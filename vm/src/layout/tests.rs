use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn all_parts_lie_in_bounds(limit in any::<u64>(), random in any::<[u64; 4]>()) {
        let layout = Layout::random(limit, random);
        for at in [layout.stack_top, layout.ceiling, layout.executable] {
            prop_assert!(at.0.is_multiple_of(PAGE) && at.0 <= USER_END.0);
        }
        // The stack can grow to its limit above all mappings, or nearly so when the limit is absurd.
        let room = limit.clamp(LEAST_ROOM - GUARD, MOST_ROOM - GUARD);
        prop_assert!(layout.stack_top.0 - layout.ceiling.0 >= room);
        prop_assert!(layout.ceiling.0 > 1 << 42);
        prop_assert!(layout.heap_gap < 32 << 20);
        let usual = Layout::random(limit.min(1 << 40), random);
        prop_assert!(usual.executable.0 + (1 << 40) < usual.ceiling.0);
    }

    #[test]
    fn every_number_counts(random in any::<[u64; 4]>(), which in 0usize..4) {
        let mut other = random;
        other[which] ^= 1;
        prop_assert_ne!(Layout::random(8 << 20, random), Layout::random(8 << 20, other));
    }
}

#[test]
fn the_fixed_layout_is_the_usual_one() {
    let layout = Layout::fixed(8 << 20);
    assert_eq!(layout.stack_top, USER_END);
    assert_eq!(layout.ceiling, VirtAddr(0x7fff_efff_f000));
    assert_eq!(layout, Layout::fixed(0));
}
