//! The frame of a signal handler on the program's stack: Linux's `struct rt_sigframe` for x86-64
//! (arch/x86/include/asm/sigframe.h), with the FPU state in XSAVE format above it.

use super::action::{Action, ActionFlags};
use super::{AltStack, SigInfo, SignalState};
use crate::arch::fpu::{self, FpuState};
use crate::arch::regs::UserRegs;
use crate::mem::user::{self, USER_END, UserSlice};
use crate::process::Thread;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;

/// Words of the frame below siginfo: return address, ucontext (flags, link, stack, 32 words of registers, mask).
const WORDS: usize = 1 + 2 + 3 + 32 + 1;
/// Bytes of the frame.
const FRAME: usize = WORDS * 8 + 128;
/// `uc_flags`: the FPU state is in XSAVE format (1), SS is valid (2) and to be restored (4).
const UC_FLAGS: u64 = 0b110;
const UC_FP_XSTATE: u64 = 1;
/// Where the FXSAVE area leaves room for software: `struct _fpx_sw_bytes`.
const SW_BYTES: usize = 464;
const MAGIC1: u32 = 0x4650_5853;
const MAGIC2: u32 = 0x4650_5845;
/// Below the stack pointer a function may use this much without moving it (System V ABI).
const RED_ZONE: u64 = 128;
const SS_ONSTACK: u32 = 1;
const SS_DISABLE: u32 = 2;
const SS_AUTODISARM: u32 = 1 << 31;

// Words within the frame.
const STACK: usize = 3;
const REGS: usize = 6;
const FPSTATE: usize = REGS + 23;
const MASK: usize = WORDS - 1;

/// Bytes of stack that a frame needs at most (AT_MINSIGSTKSZ).
pub fn max_size() -> usize {
    FRAME + fpu::size() + 4 + 64 + RED_ZONE as usize
}

/// Pushes the frame of a handler and points the registers at the handler. `mask` is what sigreturn restores.
pub fn push(thread: &Arc<Thread>, info: &SigInfo, action: &Action, mask: u64) -> Result<(), Stop> {
    let regs = thread.regs.get();
    let alt = thread.signals.altstack.get();
    let on_alt = alt.size > 0 && alt.contains(regs.rsp);
    let mut top = regs.rsp.wrapping_sub(RED_ZONE);
    if action.flags.contains(ActionFlags::ONSTACK) && alt.size > 0 && !on_alt {
        top = alt.base + alt.size;
    }
    let fp_size = fpu::size() as u64 + if fpu::components() != 0 { 4 } else { 0 };
    let fp = top.wrapping_sub(fp_size) & !63;
    // The handler begins as a function does after the call: 8 below a multiple of 16.
    let at = (fp.wrapping_sub(FRAME as u64) & !15).wrapping_sub(8);
    if at > USER_END as u64 || (alt.size > 0 && on_alt && at < alt.base) {
        return Err(Errno::EFAULT.into());
    }
    write_fpu(thread, fp)?;
    let words = words(thread, &regs, action, mask, fp, on_alt);
    let mut bytes = [0; FRAME];
    for (word, to) in words.iter().zip(bytes.chunks_exact_mut(8)) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    bytes[WORDS * 8..].copy_from_slice(&info.bytes());
    UserSlice::new(at as usize, FRAME)?.write(&bytes)?;
    if alt.flags & SS_AUTODISARM != 0 {
        thread.signals.altstack.set(AltStack::default());
    }
    thread.regs.with(|regs| {
        regs.rip = action.handler;
        regs.rsp = at;
        regs.rdi = info.signal.number() as u64;
        regs.rsi = at + WORDS as u64 * 8;
        regs.rdx = at + 8;
        regs.rax = 0;
        // Direction, resume and trap flags are clear on entry.
        regs.rflags &= !0x1_0500;
    });
    Ok(())
}

fn words(
    thread: &Thread,
    regs: &UserRegs,
    action: &Action,
    mask: u64,
    fp: u64,
    on_alt: bool,
) -> [u64; WORDS] {
    let mut words = [0; WORDS];
    words[0] = action.restorer;
    words[1] = UC_FLAGS
        | if fpu::components() != 0 {
            UC_FP_XSTATE
        } else {
            0
        };
    let [base, flags, size] = stack_words(&thread.signals, on_alt);
    words[STACK..STACK + 3].copy_from_slice(&[base, flags, size]);
    let r = regs;
    words[REGS..REGS + 18].copy_from_slice(&[
        r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rdi, r.rsi, r.rbp, r.rbx, r.rdx,
        r.rax, r.rcx, r.rsp, r.rip, r.rflags,
    ]);
    // cs, gs, fs, ss, 16 bits each; then error code, trap number, old mask and fault address.
    words[REGS + 18] = r.cs | r.ss << 48;
    let fault = thread.fault.get();
    words[REGS + 19..REGS + 23].copy_from_slice(&[fault.code, fault.vector, mask, fault.address]);
    words[FPSTATE] = fp;
    words[MASK] = mask;
    words
}

/// stack_t of a thread: base, flags, size.
pub fn stack_words(signals: &SignalState, on_alt: bool) -> [u64; 3] {
    let alt = signals.altstack.get();
    let state = match (alt.size, on_alt) {
        (0, _) => SS_DISABLE,
        (_, true) => SS_ONSTACK,
        _ => 0,
    };
    [alt.base, u64::from(state | alt.flags), alt.size]
}

fn write_fpu(thread: &Thread, at: u64) -> Result<(), Stop> {
    thread.fpu.with(|state| {
        fpu::save(state);
        let bytes = state.bytes();
        let slice = UserSlice::new(at as usize, bytes.len() + 4)?;
        slice.write(bytes)?;
        let components = fpu::components();
        if components != 0 {
            let mut software = [0; 48];
            software[..4].copy_from_slice(&MAGIC1.to_le_bytes());
            software[4..8].copy_from_slice(&(bytes.len() as u32 + 4).to_le_bytes());
            software[8..16].copy_from_slice(&components.to_le_bytes());
            software[16..20].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
            slice.skip(SW_BYTES).write(&software)?;
            slice.skip(bytes.len()).write(&MAGIC2.to_le_bytes())?;
        }
        Ok(())
    })
}

/// rt_sigreturn: takes registers, mask, alternative stack and FPU state back from the frame at the stack pointer.
/// Answers what rax becomes.
pub fn pop(thread: &Arc<Thread>) -> Result<usize, Stop> {
    // The handler's `ret` has taken the return address off.
    let at = thread.regs.get().rsp.wrapping_sub(8);
    let mut words = [0u64; WORDS];
    let slice = UserSlice::new(at as usize, WORDS * 8)?;
    for (index, word) in words.iter_mut().enumerate() {
        *word = user::read_value(slice.address() + index * 8)?;
    }
    if words[FPSTATE] != 0 {
        read_fpu(thread, words[FPSTATE])?;
    }
    thread.signals.set_mask(words[MASK]);
    let flags = words[STACK + 1] as u32;
    let size = if flags & SS_DISABLE != 0 {
        0
    } else {
        words[STACK + 2]
    };
    thread.signals.altstack.set(AltStack {
        base: words[STACK],
        size,
        flags: flags & SS_AUTODISARM,
    });
    thread.regs.with(|regs| {
        take_registers(regs, &words);
        regs.sanitize();
    });
    thread
        .attention
        .store(true, core::sync::atomic::Ordering::Release);
    Ok(words[REGS + 13] as usize)
}

fn take_registers(regs: &mut UserRegs, words: &[u64; WORDS]) {
    let from = |index: usize| words[REGS + index];
    regs.r8 = from(0);
    regs.r9 = from(1);
    regs.r10 = from(2);
    regs.r11 = from(3);
    regs.r12 = from(4);
    regs.r13 = from(5);
    regs.r14 = from(6);
    regs.r15 = from(7);
    regs.rdi = from(8);
    regs.rsi = from(9);
    regs.rbp = from(10);
    regs.rbx = from(11);
    regs.rdx = from(12);
    regs.rax = from(13);
    regs.rcx = from(14);
    regs.rsp = from(15);
    // A non-canonical address would fault in the kernel when it is loaded: the program faults at 0 instead.
    regs.rip = if from(16) < USER_END as u64 {
        from(16)
    } else {
        0
    };
    regs.rflags = from(17);
}

fn read_fpu(thread: &Thread, at: u64) -> Result<(), Stop> {
    let mut image = alloc::vec::Vec::new();
    image
        .try_reserve_exact(fpu::size())
        .map_err(|_| Errno::ENOMEM)?;
    image.resize(fpu::size(), 0);
    UserSlice::new(at as usize, image.len())?.read(&mut image)?;
    thread.fpu.with(|state: &mut FpuState| {
        state.load_image(&image);
        fpu::restore(state);
    });
    Ok(())
}
