//! What switching between processes must keep: bytes in pipes, and vector registers.

use braid_test_programs::call;
use braid_test_programs::children::{fork, pipe, wait};
use libc as l;
use std::time::Duration;

/// A pipe between two processes, one slower than the other, in both directions.
pub(crate) fn blocking() {
    for (write_pause, read_pause) in [(0, 1), (1, 0)] {
        let [reader, writer] = pipe();
        let child = fork(|| {
            call(l::SYS_close, [reader]).expect("to close");
            let block: Vec<u8> = (0..200_000u32).map(|index| index as u8).collect();
            let mut done = 0;
            while done < block.len() {
                let n = call(
                    l::SYS_write,
                    [
                        writer,
                        block.as_ptr() as usize + done,
                        (block.len() - done).min(90_000),
                    ],
                );
                done += n.expect("to write");
                std::thread::sleep(Duration::from_millis(write_pause * 20));
            }
            0
        });
        call(l::SYS_close, [writer]).expect("to close");
        let mut buffer = vec![0u8; 70_000];
        let mut sum = 0u64;
        let mut total = 0;
        loop {
            let n = call(
                l::SYS_read,
                [reader, buffer.as_mut_ptr() as usize, buffer.len()],
            )
            .expect("to read");
            if n == 0 {
                break;
            }
            sum += buffer[..n].iter().map(|&byte| u64::from(byte)).sum::<u64>();
            total += n;
            std::thread::sleep(Duration::from_millis(read_pause * 10));
        }
        call(l::SYS_close, [reader]).expect("to close");
        println!("writer: {:?}", wait(child));
        println!("{total} bytes, sum {sum}");
    }
}

/// Vector registers keep their values while others use theirs.
pub(crate) fn vectors() {
    let spin = |seed: u64| {
        for round in 0..200_000u64 {
            let values = [seed, seed + 1, seed + 2, round];
            let mut back = [0u64; 4];
            // SAFETY: P7; AVX is asked for below.
            unsafe {
                std::arch::asm!(
                    "vmovdqu ymm7, [{from}]",
                    "mov {n}, 50",
                    "2:",
                    "dec {n}",
                    "jnz 2b",
                    "vmovdqu [{to}], ymm7",
                    from = in(reg) values.as_ptr(),
                    to = in(reg) back.as_mut_ptr(),
                    n = out(reg) _,
                    out("ymm7") _,
                );
            }
            if back != values {
                return 1;
            }
        }
        0
    };
    if !std::is_x86_feature_detected!("avx") {
        println!("no AVX");
        return;
    }
    let children: Vec<usize> = (0..6).map(|index| fork(|| spin(index * 1000))).collect();
    let right = children
        .iter()
        .filter(|&&child| wait(child) == Ok(0))
        .count();
    println!("{right} of {}", children.len());
}
