//! Has the kernel's first allocation of an operation fail, then its second, and so on until the operation needs no more: each time it
//! succeeds or ends with an error that says so, and leaves nothing behind. With several tori on each of the first two, with failures
//! on either. Names of operations as arguments: only those, and each allocation is told.

mod failures;
mod operations;
mod things;

use braid_test_programs::torus::{move_to, tori};
use failures::{Failures, arm, disarm};
use things::State;

/// More allocations than any operation makes.
const MOST: usize = 3000;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("child") {
        std::process::exit(operations::CHILD);
    }
    for at in 0..tori().min(2) {
        move_to(at);
        for failing in (0..tori().min(2)).rev() {
            println!("on torus {at}, failures on torus {failing}");
            all(failing);
        }
    }
    println!("done");
}

/// All operations, with failures on a torus.
fn all(torus: usize) {
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    for operation in operations::ALL {
        if !chosen.is_empty() && !chosen.iter().any(|name| name == operation.name) {
            continue;
        }
        for short in [false, true] {
            // Once without failures: caches are filled, and the state is as it stays.
            let first = (operation.act)();
            assert!(first.is_ok(), "{}: {first:?}", operation.name);
            let before = State::now();
            let failures = Failures { torus, short };
            let count = (1..MOST).find(|&number| {
                if !chosen.is_empty() {
                    eprintln!("{} {number}", operation.name);
                }
                arm(failures, number);
                let answer = (operation.act)();
                let reached = disarm();
                let about = || format!("{}, {failures:?} {number}", operation.name);
                match answer {
                    Ok(_) => {}
                    Err(error) => {
                        assert!(reached, "{}: {error} without a failure", about());
                        assert!(
                            operation.errors.contains(&error),
                            "{}: error {error}",
                            about()
                        );
                    }
                }
                assert_eq!(State::now(), before, "{}", about());
                !reached
            });
            let count = count.expect("an end of it");
            eprintln!("{} {failures:?}: {}", operation.name, count - 1);
        }
        println!("{}", operation.name);
    }
}
