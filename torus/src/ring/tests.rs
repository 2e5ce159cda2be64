extern crate std;

use std::{boxed::Box, collections::VecDeque, thread, vec::Vec};

use proptest::prelude::*;

use super::*;

fn line(number: u64) -> Line {
    Line([number; 8])
}

#[test]
fn a_line_is_a_cache_line() {
    assert_eq!((size_of::<Line>(), align_of::<Line>()), (64, 64));
}

#[test]
fn the_bell_is_rung_once_per_arming() {
    let (mut ring, bell) = (Ring::<4>::new(), Bell::new());
    let (mut sender, mut receiver) = ring.split(&bell);
    assert_eq!(sender.send(&line(1)), Ok(Doorbell::Quiet));
    bell.arm();
    assert!(!receiver.is_empty());
    assert_eq!(sender.send(&line(2)), Ok(Doorbell::Ring));
    assert_eq!(sender.send(&line(3)), Ok(Doorbell::Quiet));
    bell.arm();
    bell.disarm();
    assert_eq!(sender.send(&line(4)), Ok(Doorbell::Quiet));
    assert_eq!(sender.send(&line(5)), Err(Full));
}

#[test]
fn a_split_ring_goes_on_where_it_was() {
    let (mut ring, bell) = (Ring::<4>::new(), Bell::new());
    let _ = ring.split(&bell).0.send_batch(&[line(1), line(2)]);
    let mut batch = [Line::default(); 4];
    let (mut sender, mut receiver) = ring.split(&bell);
    assert_eq!(sender.room(), 2);
    assert_eq!(receiver.receive(&mut batch), (2, Doorbell::Quiet));
    assert_eq!(batch[..2], [line(1), line(2)]);
}

#[test]
fn a_sender_that_waits_for_room_is_rung_once() {
    let (mut ring, bell) = (Ring::<2>::new(), Bell::new());
    let (mut sender, mut receiver) = ring.split(&bell);
    let mut one = [Line::default()];
    let _ = sender.send_batch(&[line(1), line(2)]);
    assert_eq!(sender.send(&line(3)), Err(Full));
    assert_eq!(receiver.receive(&mut one), (1, Doorbell::Quiet));
    assert!(sender.await_room(1));
    assert_eq!(sender.send(&line(3)), Ok(Doorbell::Quiet));
    assert!(!sender.await_room(1));
    assert_eq!(receiver.receive(&mut one), (1, Doorbell::Ring));
    assert_eq!(receiver.receive(&mut one), (1, Doorbell::Quiet));
    assert_eq!(one, [line(3)]);
}

/// Two tori that fill each other's ring go on, because each receives before it tries again.
#[test]
fn two_threads_fill_each_other_in_both_directions() {
    const COUNT: u64 = if cfg!(miri) { 200 } else { 100_000 };
    fn talk(mut sender: Sender<'_, 8>, mut receiver: Receiver<'_, 8>) {
        let (mut sent, mut got) = (0, 0);
        let mut batch = [Line::default(); 3];
        while sent < COUNT || got < COUNT {
            let lines: Vec<Line> = (sent..COUNT.min(sent + 5)).map(line).collect();
            let (count, _) = sender.send_batch(&lines);
            sent += count as u64;
            let (received, _) = receiver.receive(&mut batch);
            for received in &batch[..received] {
                assert_eq!(*received, line(got));
                got += 1;
            }
            if count + received == 0 {
                thread::yield_now();
            }
        }
    }
    let bell = Bell::new();
    let (mut forth, mut back) = (Box::new(Ring::<8>::new()), Box::new(Ring::<8>::new()));
    let (to_b, from_a) = forth.split(&bell);
    let (to_a, from_b) = back.split(&bell);
    thread::scope(|scope| {
        scope.spawn(move || talk(to_b, from_b));
        scope.spawn(move || talk(to_a, from_a));
    });
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]
    #[test]
    fn it_is_a_bounded_queue(steps in prop::collection::vec((any::<bool>(), 0_usize..6), 0..200)) {
        let (mut ring, bell) = (Ring::<4>::new(), Bell::new());
        let (mut sender, mut receiver) = ring.split(&bell);
        let mut model = VecDeque::new();
        let mut next = 0;
        for (sends, size) in steps {
            if sends {
                let lines: Vec<Line> = (next..next + size as u64).map(line).collect();
                let (count, _) = sender.send_batch(&lines);
                prop_assert_eq!(count, size.min(4 - model.len()));
                model.extend(&lines[..count]);
                next += count as u64;
            } else {
                let mut batch = [Line::default(); 6];
                let (count, _) = receiver.receive(&mut batch[..size]);
                // The receiver may see fewer than were sent, but not none.
                prop_assert!(count <= size && (count > 0 || size == 0 || model.is_empty()));
                let expected: Vec<Line> = model.drain(..count).collect();
                prop_assert_eq!(&batch[..count], &expected[..]);
            }
        }
    }
}
