//! What ordinary programs do, one kind for each first argument: prints, allocates, reads a file; or ends badly.

use std::hint::black_box;

const MEBIBYTE: usize = 1 << 20;
const PAGE: usize = 4096;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["allocate", count] => allocate(count.parse().expect("a number of mebibytes")),
        ["read", path] => read(path),
        ["exit", status] => std::process::exit(status.parse().expect("a status")),
        ["panic"] => panic!("as asked"),
        ["null"] => null(),
        ["divide"] => divide(),
        ["overflow"] => println!("{}", overflow(0)),
        _ => std::process::exit(2),
    }
}

/// Touches every page of a large allocation, and sums it up.
fn allocate(mebibytes: usize) {
    let mut memory = vec![0u8; mebibytes * MEBIBYTE];
    assert!(memory.iter().step_by(PAGE).all(|&byte| byte == 0));
    for (index, byte) in memory.iter_mut().step_by(PAGE).enumerate() {
        *byte = index.to_le_bytes()[0];
    }
    let sum: u64 = memory
        .iter()
        .step_by(PAGE)
        .map(|&byte| u64::from(byte))
        .sum();
    println!("{mebibytes} MiB, sum {sum}");
}

fn read(path: &str) {
    match std::fs::read(path) {
        Ok(bytes) => {
            let sum = bytes
                .iter()
                .fold(0u64, |sum, &b| sum.wrapping_mul(31) + u64::from(b));
            println!("{} bytes, sum {sum:x}", bytes.len());
        }
        Err(error) => {
            eprintln!("{path}: {error}");
            std::process::exit(1);
        }
    }
}

fn null() {
    let pointer: *const u8 = black_box(std::ptr::null());
    // SAFETY: P6, the fault is what is asked for.
    println!("{}", unsafe { pointer.read_volatile() });
}

fn divide() {
    let zero = black_box(0u32);
    let quotient: u32;
    // SAFETY: P6, the division faults before it writes anything.
    unsafe {
        std::arch::asm!("div {0:e}", in(reg) zero, inout("eax") 1u32 => quotient, inout("edx") 0u32 => _);
    }
    println!("{quotient}");
}

#[expect(
    unconditional_recursion,
    reason = "the stack overflow is what is asked for"
)]
fn overflow(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    overflow(frame[7] + 1) + black_box(frame)[9]
}
