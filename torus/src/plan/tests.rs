extern crate std;

use proptest::prelude::*;
use std::{collections::BTreeSet, vec, vec::Vec};

use super::*;

fn cores(count: u32) -> Vec<Core> {
    (0..count)
        .map(|apic_id| Core {
            apic_id,
            node: None,
            cache: None,
        })
        .collect()
}

fn on_nodes(nodes: &[u32]) -> Vec<Core> {
    let core = |(apic_id, node): (usize, &u32)| Core {
        apic_id: apic_id as u32,
        node: Some(*node),
        cache: None,
    };
    nodes.iter().enumerate().map(core).collect()
}

fn plain(usable: &[Range<u64>]) -> Memory<'_> {
    Memory {
        usable,
        affinity: &[],
        minimum: 1,
    }
}

fn shares(plan: &Plan<'_>) -> Vec<u64> {
    plan.ids().map(|torus| plan.frames(torus)).collect()
}

fn storage() -> Vec<Piece> {
    vec![Piece::default(); 64]
}

#[test]
fn one_torus_takes_all() {
    let (mut cores, mut storage) = (cores(1), storage());
    let plan = divide(
        Request::Auto,
        &mut cores,
        plain(&[1..5, 9..10]),
        &mut storage,
    )
    .unwrap();
    assert_eq!(plan.tori(), 1);
    assert_eq!(shares(&plan), [5]);
    assert_eq!(plan.cores(TorusId::default()).len(), 1);
}

#[test]
fn auto_makes_two_without_topology() {
    let (mut cores, mut storage) = (cores(5), storage());
    let usable = [0x100..0x8100];
    let plan = divide(Request::Auto, &mut cores, plain(&usable), &mut storage).unwrap();
    assert_eq!(plan.grouping(), Grouping::Count(2));
    assert_eq!(
        plan.ids()
            .map(|id| plan.cores(id).len())
            .collect::<Vec<_>>(),
        [2, 3]
    );
    assert_eq!(
        plan.pieces()[0].frames,
        0x100..0x4200,
        "the cut is 2 MiB aligned"
    );
    assert_eq!(plan.division(), Division::Equal);
}

#[test]
fn auto_follows_caches_of_one_node() {
    let mut cores = on_nodes(&[0, 0, 0, 0]);
    for core in &mut cores {
        core.cache = Some(core.apic_id % 2);
    }
    let mut storage = storage();
    let plan = divide(Request::Auto, &mut cores, plain(&[0..4096]), &mut storage).unwrap();
    assert_eq!(plan.grouping(), Grouping::Caches);
    let apic_ids = |id| {
        plan.cores(id)
            .iter()
            .map(|core| core.apic_id)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        plan.ids().map(apic_ids).collect::<Vec<_>>(),
        [[0, 2], [1, 3]]
    );
}

#[test]
fn nodes_keep_their_memory() {
    let mut cores = on_nodes(&[1, 0, 1, 0]);
    let affinity = [
        Affinity {
            frames: 0..0x1000,
            node: 0,
        },
        Affinity {
            frames: 0x1000..0x4000,
            node: 1,
        },
    ];
    let memory = Memory {
        usable: &[0x10..0x2000, 0x3000..0x5000],
        affinity: &affinity,
        minimum: 1,
    };
    let mut storage = storage();
    let plan = divide(Request::Auto, &mut cores, memory, &mut storage).unwrap();
    assert_eq!(
        (plan.grouping(), plan.division()),
        (Grouping::Nodes, Division::Affinity)
    );
    // Node 0 has 0xff0 frames, node 1 0x2000; 0x1000 frames have no node and are halved. Node 1 has the first core, and so the first torus.
    assert_eq!(shares(&plan), [0x2000 + 0x800, 0xff0 + 0x800]);
}

#[test]
fn a_node_is_shared_by_its_tori() {
    let mut cores = on_nodes(&[0, 0, 1, 1]);
    let affinity = [
        Affinity {
            frames: 0..0x1000,
            node: 0,
        },
        Affinity {
            frames: 0x1000..0x4000,
            node: 1,
        },
    ];
    let usable = [0..0x4000];
    let memory = Memory {
        usable: &usable,
        affinity: &affinity,
        minimum: 1,
    };
    let mut storage = storage();
    let plan = divide(Request::Count(4), &mut cores, memory, &mut storage).unwrap();
    assert_eq!(shares(&plan), [0x800, 0x800, 0x1800, 0x1800]);
}

#[test]
fn a_node_without_memory_means_equal_shares() {
    let mut cores = on_nodes(&[0, 1]);
    let affinity = [Affinity {
        frames: 0..0x4000,
        node: 0,
    }];
    let usable = [0..0x4000];
    let memory = Memory {
        usable: &usable,
        affinity: &affinity,
        minimum: 16,
    };
    let mut storage = storage();
    let plan = divide(Request::Auto, &mut cores, memory, &mut storage).unwrap();
    assert_eq!(plan.division(), Division::Equal);
    assert_eq!(shares(&plan), [0x2000, 0x2000]);
}

#[test]
fn errors_say_what_is_wrong() {
    let ask = |request, count, usable: &[Range<u64>], minimum, places| {
        let (mut cores, mut storage) = (cores(count), vec![Piece::default(); places]);
        let memory = Memory {
            usable,
            affinity: &[],
            minimum,
        };
        divide(request, &mut cores, memory, &mut storage)
            .map(|plan| plan.tori())
            .unwrap_err()
    };
    let usable = [0..100];
    assert_eq!(ask(Request::Count(0), 4, &usable, 1, 9), PlanError::NoTori);
    assert_eq!(ask(Request::Auto, 0, &usable, 1, 9), PlanError::NoCores);
    let error = PlanError::MoreToriThanCores { tori: 5, cores: 4 };
    assert_eq!(ask(Request::Count(5), 4, &usable, 1, 9), error);
    assert_eq!(
        ask(Request::Count(65), 80, &usable, 1, 9),
        PlanError::TooManyTori(65)
    );
    assert_eq!(ask(Request::Auto, 4, &[], 1, 9), PlanError::NoMemory);
    assert_eq!(ask(Request::Auto, 4, &[7..7], 1, 9), PlanError::NoMemory);
    let error = PlanError::TooLittleMemory {
        torus: TorusId::default(),
        frames: 50,
        minimum: 51,
    };
    assert_eq!(ask(Request::Count(2), 4, &usable, 51, 9), error);
    let error = PlanError::TooLittleMemory {
        torus: TorusId::default(),
        frames: 0,
        minimum: 1,
    };
    assert_eq!(ask(Request::Count(2), 4, &[5..6], 0, 9), error);
    assert_eq!(
        ask(Request::Count(2), 4, &usable, 1, 1),
        PlanError::TooManyPieces(1)
    );

    let mut twins = [Core {
        apic_id: 3,
        node: None,
        cache: None,
    }; 2];
    let error = divide(Request::Auto, &mut twins, plain(&usable), &mut [])
        .map(|_| ())
        .unwrap_err();
    assert_eq!(error, PlanError::DuplicateCore(3));
}

/// Ranges that may overlap, near one another and far apart.
fn ranges(most: usize) -> impl Strategy<Value = Vec<Range<u64>>> {
    let range = (0_u64..1 << 16, 0_u64..1 << 9).prop_map(|(start, len)| start..start + len);
    prop::collection::vec(range, 0..most)
}

proptest! {
    #[test]
    fn every_usable_frame_has_one_owner(
        usable in ranges(300),
        affinity in prop::collection::vec((0_u64..1 << 16, 0_u64..1 << 15, 0_u32..4), 0..6),
        nodes in prop::collection::vec(prop::option::weighted(0.9, 0_u32..4), 1..40),
        request in prop::option::of(1_usize..12),
        minimum in 0_u64..300,
    ) {
        let mut cores: Vec<Core> = nodes.iter().zip(0..).map(|(node, apic_id)| {
            Core { apic_id, node: *node, cache: None }
        }).collect();
        let affinity: Vec<Affinity> = affinity.iter().map(|(start, len, node)| {
            Affinity { frames: *start..start + len, node: *node }
        }).collect();
        let memory = Memory { usable: &usable, affinity: &affinity, minimum };
        let wanted = request.map_or(Request::Auto, Request::Count);
        let tori = request.unwrap_or(4).max(2);
        let mut storage = vec![Piece::default(); storage_needed(usable.len(), affinity.len(), tori)];
        let frames: BTreeSet<u64> = usable.iter().cloned().flatten().collect();
        match divide(wanted, &mut cores, memory, &mut storage) {
            Ok(plan) => {
                let owned: Vec<u64> =
                    plan.pieces().iter().flat_map(|piece| piece.frames.clone()).collect();
                prop_assert!(owned.iter().eq(frames.iter()));
                prop_assert!(plan.pieces().iter().all(|piece| !piece.is_empty()));
                prop_assert!(plan.pieces().iter().all(|piece| piece.torus.index() < plan.tori()));
                prop_assert!(shares(&plan).iter().all(|share| *share >= minimum.max(1)));
                prop_assert!(plan.ids().all(|id| !plan.cores(id).is_empty()));
                let seated: usize = plan.ids().map(|id| plan.cores(id).len()).sum();
                prop_assert_eq!(seated, nodes.len());
                if let Some(count) = request {
                    prop_assert_eq!(plan.tori(), count);
                }
                if plan.division() == Division::Equal {
                    let fair = frames.len() as u64 / plan.tori() as u64;
                    prop_assert!(shares(&plan).iter().all(|share| *share + 1 >= fair - fair / 4));
                }
            }
            Err(PlanError::MoreToriThanCores { .. }) => prop_assert!(request > Some(nodes.len())),
            Err(PlanError::NoMemory) => prop_assert!(frames.is_empty()),
            Err(PlanError::TooLittleMemory { .. }) => {
                let fair = frames.len() as u64 / tori as u64;
                prop_assert!(request.is_none() || fair - fair / 4 <= minimum);
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }
}
