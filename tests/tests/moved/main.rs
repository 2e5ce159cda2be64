//! Spaces that move between tori: frozen at one, folded at the next, with every operation in between, against a model.

mod changes;
mod world;

use braid_tests::machine::Storage;
use braid_tests::network::Rng;
use vm::addr::{Page, PageRange};
use world::{Met, World};

/// Where pages are: across the border of two leaf tables, beyond one of level 2, and one of level 3.
const PLACES: [u64; 4] = [0x1_0000 - 20, 0x1_0e00, 0x8_0000, 0x800_0000];
const TORI: u64 = 3;

/// A range near one of the places.
fn range(rng: &mut Rng) -> PageRange {
    let place = PLACES[rng.below(4) as usize];
    PageRange::at(Page(place + rng.below(40)), 1 + rng.below(12))
}

/// One of the pages that are mapped.
fn mapped(rng: &mut Rng, world: &World<'_>) -> Page {
    let count = world.model.len().max(1);
    let some = world.model.keys().nth(rng.below(count as u64) as usize);
    some.copied().unwrap_or_default()
}

fn act(rng: &mut Rng, world: &mut World<'_>) {
    let page = mapped(rng, world);
    match rng.below(100) {
        0..15 => world.map(range(rng), rng.below(4) == 0),
        15..45 => world.write(page),
        45..60 => world.read(page),
        60..63 => world.unmap(range(rng)),
        63..65 => world.forget(range(rng)),
        65..68 => {
            let place = PLACES[rng.below(4) as usize];
            world.leave_out(PageRange::at(Page(place), 64), rng.below(4));
        }
        68..71 => world.protect(range(rng)),
        71..74 => {
            let place = PLACES[rng.below(4) as usize] + 100 + rng.below(300) * 16;
            world.remap(PageRange::at(page, 1 + rng.below(4)), Page(place));
        }
        74..78 => world.fork(rng.below(2) == 0),
        78..84 => world.swap_out(page, rng.below(8) as usize),
        84..86 => world.settle(),
        _ if world.frozen.len() < 6 => {
            let torus = (world.torus + 1 + rng.below(TORI - 1)) % TORI;
            world.migrate(torus);
        }
        _ => world.settle(),
    }
}

#[test]
fn spaces_keep_their_pages_however_they_move() {
    let mut all = Met::default();
    for seed in 0..1000 {
        let run = || {
            let mut storage = Storage::new(2048, 64);
            let mut world = World::new(&mut storage);
            let mut rng = Rng::new(seed);
            for _ in 0..60 {
                act(&mut rng, &mut world);
            }
            world.check();
            world.settle();
            world.check();
            world.end()
        };
        let met = std::panic::catch_unwind(run).unwrap_or_else(|_| panic!("seed {seed}"));
        all.pulled += met.pulled;
        all.read_back += met.read_back;
        all.taken_back += met.taken_back;
        all.away += met.away;
        all.wiped += met.wiped;
    }
    let rare = [
        all.pulled,
        all.read_back,
        all.taken_back,
        all.away,
        all.wiped,
    ];
    assert!(rare.iter().all(|count| *count > 100), "{all:?}");
}
