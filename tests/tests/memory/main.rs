//! Random operations on address spaces, on the emulated machine, against a plain model: a map from
//! page to expected content and rights.

mod checks;
mod model;
mod ops;
mod world;

use braid_tests::machine::{Machine, Storage};
use ops::{Op, ops};
use proptest::prelude::*;
use world::World;

fn run(storage: &mut Storage, ops: &[Op], tight: bool) {
    let machine = Machine::new(storage, 3);
    let (frames, slots) = (machine.available(), machine.available_slots());
    let mut world = World::new(&machine, tight);
    for op in ops {
        world.apply(op);
    }
    world.finish(frames, slots);
}

proptest! {
    #[test]
    fn address_spaces_do_as_the_model(ops in ops()) {
        let mut storage = Storage::new(12288, 1024);
        run(&mut storage, &ops, false);
    }

    #[test]
    fn address_spaces_survive_the_end_of_memory(
        frames in prop_oneof![8..60u64, 1500..2500u64],
        slots in 1..20usize,
        ops in ops(),
    ) {
        let mut storage = Storage::new(frames, slots);
        run(&mut storage, &ops, true);
    }
}

#[test]
fn a_2_mib_page_that_is_not_used_goes_in_parts() {
    let mut storage = Storage::new(12288, 1024);
    let machine = Machine::new(&mut storage, 3);
    let (frames, slots) = (machine.available(), machine.available_slots());
    let mut world = World::new(&machine, false);
    let touch = |access, value| Op::Touch {
        n: 1,
        access,
        core: 0,
        value,
    };
    world.apply(&Op::Huge);
    world.apply(&touch(1, 77));
    (0..3).for_each(|_| world.apply(&Op::Evict(600)));
    assert!(machine.available_slots() + 512 <= slots);
    world.apply(&touch(0, 1));
    world.finish(frames, slots);
}

#[test]
fn a_mapping_moved_within_one_table_keeps_its_pages() {
    let ops = [
        Op::Map {
            kind: 2,
            n: 0,
            pages: 2,
            rights: 3,
            backing: 0,
            offset: 0,
        },
        Op::Touch {
            n: 1,
            access: 1,
            core: 0,
            value: 77,
        },
        Op::Remap {
            n: 0,
            old: 2,
            new: 2,
            may_move: true,
            fixed: Some(5),
        },
        Op::Touch {
            n: 6,
            access: 0,
            core: 1,
            value: 0,
        },
    ];
    run(&mut Storage::new(256, 16), &ops, false);
}
