//! The frame of a signal handler on the program's stack: Linux's `struct rt_sigframe` for x86-64
//! (arch/x86/include/asm/sigframe.h), with the FPU state in XSAVE format above it.

use super::give::force;
use crate::process::Current;
use crate::process::thread::Fault;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use braid_signals::action::{Action, ActionFlags};
use braid_signals::info::{SEGV_MAPERR, SI_KERNEL};
use braid_signals::stack::{AltStack, SS_AUTODISARM};
use braid_signals::{SigInfo, Signal};
use machine::fpu::{self, Image};
use machine::regs::{USER_CS, USER_SS, UserRegs};
use machine::segment::is_canonical;
use mem::user::{self, USER_END, UserSlice};

/// Words of the frame below siginfo: return address, ucontext (flags, link, stack, 32 words of registers, mask).
const WORDS: usize = 1 + 2 + 3 + 32 + 1;
/// Bytes of the frame.
const FRAME: usize = WORDS * 8 + 128;
/// `uc_flags`: the FPU state is in XSAVE format (1), SS is valid (2) and to be restored (4).
const UC_FLAGS: u64 = 0b110;
const UC_FP_XSTATE: u64 = 1;
const UC_STRICT_RESTORE_SS: u64 = 4;
/// Where the FXSAVE area leaves room for software: `struct _fpx_sw_bytes`.
const SW_BYTES: usize = 464;
const MAGIC1: u32 = 0x4650_5853;
const MAGIC2: u32 = 0x4650_5845;
/// Below the stack pointer a function may use this much without moving it (System V ABI).
const RED_ZONE: u64 = 128;
/// The page fault of an instruction in the kernel's half: present, user, fetch.
const FETCH_REFUSED: u64 = 0x15;

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
pub fn push(thread: &Current, info: &SigInfo, action: &Action, mask: u64) -> Result<(), Stop> {
    let regs = thread.regs();
    let alt = thread.own().altstack.get();
    let on_alt = alt.size > 0 && alt.contains(regs.rsp);
    let mut top = regs.rsp.wrapping_sub(RED_ZONE);
    if action.flags.contains(ActionFlags::ONSTACK) && alt.size > 0 && !on_alt {
        top = alt.base.wrapping_add(alt.size);
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
        thread.own().altstack.set(AltStack::default());
    }
    thread.change_regs(|regs| {
        regs.enter_handler(action.handler, at);
        regs.rdi = info.signal.number() as u64;
        regs.rsi = at + WORDS as u64 * 8;
        regs.rdx = at + 8;
        regs.rax = 0;
    });
    thread.fpu().with(|state| {
        state.reset();
        fpu::restore(state);
    });
    check_instruction(thread);
    Ok(())
}

/// A thread that is to go on where no program can: the signal for what the processor would have found there.
fn check_instruction(thread: &Current) {
    let rip = thread.regs().rip;
    if rip < USER_END as u64 {
        return;
    }
    let (fault, info) = if is_canonical(rip) {
        let fault = Fault {
            vector: 14,
            code: FETCH_REFUSED,
            address: rip,
        };
        (fault, SigInfo::fault(Signal::SEGV, SEGV_MAPERR, rip))
    } else {
        let fault = Fault {
            vector: 13,
            code: 0,
            ..thread.own().fault.get()
        };
        (fault, SigInfo::fault(Signal::SEGV, SI_KERNEL, 0))
    };
    thread.own().fault.set(fault);
    force(thread, info);
}

/// Selectors in a frame that are not the user's: the signal for what IRET would have made of them.
fn check_selectors(thread: &Current, words: &[u64; WORDS]) {
    let [cs, ss] = [0, 48].map(|at| words[REGS + 18] >> at & 0xffff);
    let strict = words[1] & UC_STRICT_RESTORE_SS != 0;
    let refused = match (cs | 3, ss | 3) {
        (cs, _) if cs != USER_CS => cs,
        (_, ss) if ss != USER_SS && strict => ss,
        _ => return,
    };
    thread.own().fault.set(Fault {
        vector: 13,
        code: refused & !3,
        ..thread.own().fault.get()
    });
    force(thread, SigInfo::fault(Signal::SEGV, SI_KERNEL, 0));
}

fn words(
    thread: &Current,
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
    let [base, flags, size] = stack_words(thread, on_alt);
    words[STACK..STACK + 3].copy_from_slice(&[base, flags, size]);
    let r = regs;
    words[REGS..REGS + 18].copy_from_slice(&[
        r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rdi, r.rsi, r.rbp, r.rbx, r.rdx,
        r.rax, r.rcx, r.rsp, r.rip, r.rflags,
    ]);
    // cs, gs, fs, ss, 16 bits each; then error code, trap number, old mask and fault address.
    words[REGS + 18] = r.cs | r.ss << 48;
    let fault = thread.own().fault.get();
    words[REGS + 19..REGS + 23].copy_from_slice(&[fault.code, fault.vector, mask, fault.address]);
    words[FPSTATE] = fp;
    words[MASK] = mask;
    words
}

/// stack_t of a thread: base, flags, size.
pub fn stack_words(thread: &Current, on_alt: bool) -> [u64; 3] {
    thread.own().altstack.get().words(on_alt)
}

fn write_fpu(thread: &Current, at: u64) -> Result<(), Stop> {
    thread.fpu().with(|state| {
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
pub fn pop(thread: &Current) -> Result<usize, Stop> {
    // The handler's `ret` has taken the return address off.
    let at = thread.regs().rsp.wrapping_sub(8);
    let mut bytes = [0; WORDS * 8];
    UserSlice::new(at as usize, bytes.len())?.read(&mut bytes)?;
    let mut words = [0u64; WORDS];
    for (word, from) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*from);
    }
    read_fpu(thread, words[FPSTATE] as usize)?;
    thread.signals.set_mask(words[MASK]);
    thread.change_regs(|regs| take_registers(regs, &words));
    restore_stack(thread, &words);
    check_selectors(thread, &words);
    check_instruction(thread);
    thread.note_attention();
    Ok(words[REGS + 13] as usize)
}

/// Takes the alternative stack back. As on Linux one that sigaltstack(2) would refuse is ignored.
fn restore_stack(thread: &Current, words: &[u64; WORDS]) {
    let alt = &thread.own().altstack;
    let given = [words[STACK], words[STACK + 1], words[STACK + 2]];
    if !alt.get().contains(thread.regs().rsp)
        && let Ok(new) = AltStack::checked(given)
    {
        alt.set(new);
    }
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
    regs.rip = from(16);
    regs.take_flags(from(17));
    regs.sanitize();
}

/// Takes the vector state back from a frame; without one it is reset.
fn read_fpu(thread: &Current, at: usize) -> Result<(), Stop> {
    let image = match at {
        0 => None,
        at => Some(image_at(at)?),
    };
    thread.fpu().with(|state| {
        match image {
            None => state.reset(),
            Some(image) => {
                let read = |to: &mut [u8]| Ok::<_, Stop>(UserSlice::new(at, to.len())?.read(to)?);
                state.replace(image, read, Errno::EFAULT.into())?;
            }
        }
        fpu::restore(state);
        Ok(())
    })
}

/// How much counts of the image at a user address: all of it when its software words say so and its end is where they say, else
/// the legacy area (Linux's check_xstate_in_sigframe).
fn image_at(at: usize) -> Result<Image, Stop> {
    let components = fpu::components();
    let align = if components != 0 { 64 } else { 16 };
    if !at.is_multiple_of(align) {
        return Err(Errno::EFAULT.into());
    }
    if components == 0 {
        return Ok(Image::Legacy);
    }
    let [magic, extended, low, high, size, _]: [u32; 6] = user::read_value(offset(at, SW_BYTES)?)?;
    let len = size as usize;
    if magic != MAGIC1 || !(fpu::EXTENDED..=fpu::size()).contains(&len) || size > extended {
        return Ok(Image::Legacy);
    }
    let end: u32 = user::read_value(offset(at, len)?)?;
    if end != MAGIC2 {
        return Ok(Image::Legacy);
    }
    let components = u64::from(low) | u64::from(high) << 32;
    Ok(Image::Extended { len, components })
}

/// An address that a program has given, so much further on.
fn offset(at: usize, by: usize) -> Result<usize, Errno> {
    at.checked_add(by).ok_or(Errno::EFAULT)
}
