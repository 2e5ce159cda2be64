//! Every interleaving of small cases under loom.

extern crate std;

use loom::{sync::Arc, thread};
use std::{boxed::Box, vec::Vec};

use super::*;

/// A ring and a bell that live as long as the process: loom threads want `'static`.
fn ring<const N: usize>() -> (Sender<'static, N>, Receiver<'static, N>, &'static Bell) {
    let bell = Box::leak(Box::new(Bell::new()));
    let (sender, receiver) = Box::leak(Box::new(Ring::new())).split(bell);
    (sender, receiver, bell)
}

fn line(number: u64) -> Line {
    Line([number; 8])
}

#[test]
fn lines_arrive_in_order_through_a_full_ring() {
    loom::model(|| {
        let (mut sender, mut receiver, _) = ring::<2>();
        let producer = thread::spawn(move || {
            let mut sent = 0;
            while sent < 3 {
                match sender.send(&line(sent)) {
                    Ok(_) => sent += 1,
                    Err(Full) => thread::yield_now(),
                }
            }
        });
        let mut got = Vec::new();
        let mut batch = [Line::default(); 2];
        while got.len() < 3 {
            match receiver.receive(&mut batch) {
                (0, _) => thread::yield_now(),
                (count, _) => got.extend_from_slice(&batch[..count]),
            }
        }
        assert_eq!(got, [line(0), line(1), line(2)]);
        producer.join().unwrap();
    });
}

/// A torus that rests after arming is always rung: the sender and the receiver cannot miss one another.
#[test]
fn no_wake_up_is_lost() {
    loom::model(|| {
        let (mut sender, mut receiver, bell) = ring::<2>();
        let producer = thread::spawn(move || sender.send(&line(7)));
        bell.arm();
        let rests = receiver.is_empty();
        let doorbell = producer.join().unwrap();
        assert!(!rests || doorbell == Ok(Doorbell::Ring));
    });
}

/// A sender that waits for room is always rung, or sees the room itself.
#[test]
fn no_room_is_missed() {
    loom::model(|| {
        let (mut sender, mut receiver, _) = ring::<1>();
        let _ = sender.send(&line(1));
        let consumer = thread::spawn(move || receiver.receive(&mut [Line::default()]));
        let room = sender.await_room(1);
        let (count, doorbell) = consumer.join().unwrap();
        assert_eq!(count, 1);
        assert!(room || doorbell == Doorbell::Ring);
    });
}

/// The same when half a ring is to be free, and the receiver takes line by line.
#[test]
fn half_a_ring_is_not_missed() {
    loom::model(|| {
        let (mut sender, mut receiver, _) = ring::<2>();
        let _ = sender.send_batch(&[line(1), line(2)]);
        let consumer =
            thread::spawn(move || [(); 2].map(|()| receiver.receive(&mut [Line::default()]).1));
        let room = sender.await_room(1);
        let doorbells = consumer.join().unwrap();
        assert!(room || doorbells.contains(&Doorbell::Ring));
    });
}

/// Two senders to one torus: one arming is answered by one interrupt.
#[test]
fn one_arming_is_rung_once() {
    loom::model(|| {
        let bell: &'static Bell = Box::leak(Box::new(Bell::new()));
        let (mut first, mut from_first) = Box::leak(Box::new(Ring::<2>::new())).split(bell);
        let (mut second, mut from_second) = Box::leak(Box::new(Ring::<2>::new())).split(bell);
        let interrupts = Arc::new(AtomicUsize::new(0));
        let count = interrupts.clone();
        let producer = thread::spawn(move || {
            if second.send(&line(2)) == Ok(Doorbell::Ring) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        bell.arm();
        let rests = from_first.is_empty() && from_second.is_empty();
        if first.send(&line(1)) == Ok(Doorbell::Ring) {
            interrupts.fetch_add(1, Ordering::Relaxed);
        }
        producer.join().unwrap();
        let interrupts = interrupts.load(Ordering::Relaxed);
        assert!(interrupts <= 1);
        assert!(!rests || interrupts == 1);
    });
}
