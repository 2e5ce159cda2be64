//! A victim: a process that makes calls until it has made them all, or something of it is gone that it needs.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use libc as l;

use crate::kind::{ANY, Kind, value};
use crate::random::Random;
use crate::raw;
use crate::restraint::restrain;
use crate::table::{
    APPEND, BUILDER, CALLS, MIGRATE, OF_FILE, PATCH, PROCESS_INFO, SLICE, SNAPSHOT,
};
use crate::world::{World, anonymous};

/// What victims are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// All calls.
    All,
    /// Mostly those that change address spaces, with moves and forks between them.
    Memory,
}

/// Calls of one victim.
const LIFE: u32 = 1500;
/// Deeds between which a victim's signals may have been taken away.
const RENEWAL: u32 = 32;
/// Calls of a victim's child at the most.
const CHILD: u64 = 60;
/// Children that a victim and its children may still have.
const CHILDREN: u32 = 6;
/// The flag that would stop the victim at each instruction.
const TRAP_FLAG: u64 = 0x100;
/// Calls that a victim can make with its children.
pub(crate) const MOST_CALLS: u64 = LIFE as u64 + CHILDREN as u64 * (1 + CHILD);
/// Bytes of a handler's stack.
const STACK: usize = 32 << 10;

/// A victim at work.
struct Victim<'a> {
    world: World,
    mode: Mode,
    children: u32,
    depth: u32,
    made: &'a AtomicU64,
    verbose: bool,
}

/// Lives through the calls of a seed, and ends. Counts them in `made`.
pub(crate) fn live(seed: u64, mode: Mode, made: &AtomicU64, verbose: bool) -> ! {
    // SAFETY: F1.
    unsafe { l::setpgid(0, 0) };
    let stack: &'static mut [u8] = Box::leak(vec![0; STACK].into_boxed_slice());
    raw::survive_faults(stack);
    keep_going();
    let limit = l::rlimit {
        rlim_cur: 200,
        rlim_max: 200,
    };
    // SAFETY: F2.
    unsafe { l::setrlimit(l::RLIMIT_NOFILE, &raw const limit) };
    let mut victim = Victim {
        world: World::new(Random::new(seed)),
        mode,
        children: CHILDREN,
        depth: 0,
        made,
        verbose,
    };
    if !verbose {
        silence();
    }
    for deed in 0..LIFE {
        if deed % RENEWAL == RENEWAL - 1 {
            keep_going();
        }
        victim.act();
    }
    raw::end(0)
}

extern "C" fn ignore(_: i32, _: *mut l::siginfo_t, _: *mut l::c_void) {}

/// Has signals interrupt the victim rather than end it, one of them every 4 milliseconds in the middle of whatever is done.
fn keep_going() {
    for signal in 1..32 {
        if ![l::SIGKILL, l::SIGSTOP, l::SIGSEGV, l::SIGBUS].contains(&signal) {
            raw::handle(signal, ignore, 0);
        }
    }
    let every = l::timeval {
        tv_sec: 0,
        tv_usec: 4000,
    };
    let interval = l::itimerval {
        it_interval: every,
        it_value: every,
    };
    // SAFETY: F2.
    unsafe { l::syscall(l::SYS_setitimer, l::ITIMER_REAL, &raw const interval, 0) };
}

/// Output of victims goes nowhere.
fn silence() {
    // SAFETY: F2.
    unsafe {
        let null = l::open(c"/dev/null".as_ptr(), l::O_RDWR);
        for descriptor in 0..3 {
            l::dup2(null, descriptor);
        }
    }
}

impl Victim<'_> {
    /// One deed: mostly a call.
    fn act(&mut self) {
        let random = &mut self.world.random;
        match random.below(2000) {
            0..4 => hostile_return(random.any()),
            4 => raw::with_flags(random.any() & !TRAP_FLAG & 0x3f_ffff),
            5 => self.strange_code(),
            6..40 => {
                let address = self.world.address();
                let write = self.world.random.one_in(2);
                if address < 0x7fff_ffff_f000 {
                    raw::touch(address, write);
                }
            }
            40..140 => self.unknown_call(),
            _ => self.known_call(),
        }
    }

    /// A call with any number, and arguments of any kinds.
    fn unknown_call(&mut self) {
        let random = &mut self.world.random;
        let number = match random.below(30) {
            0 => random.edge(),
            1 => 4096 + random.below(20),
            _ => random.below(470),
        };
        let arguments = [(); 6].map(|()| {
            let kind = self.world.random.of(&ANY);
            value(kind, &mut self.world)
        });
        self.call(number.cast_signed(), arguments);
    }

    fn known_call(&mut self) {
        let mut shape = self.world.random.of(CALLS);
        if self.mode == Mode::Memory && !self.world.random.one_in(4) {
            while !is_of_memory(shape.0) {
                shape = self.world.random.of(CALLS);
            }
        }
        let (number, kinds) = shape;
        let mut arguments = [0; 6];
        for (argument, kind) in arguments.iter_mut().zip(kinds) {
            let kind = if self.world.random.one_in(25) {
                self.world.random.of(&ANY)
            } else {
                *kind
            };
            *argument = value(kind, &mut self.world);
        }
        self.call(number, arguments);
    }

    fn call(&mut self, number: i64, mut arguments: [u64; 6]) {
        if !restrain(number, &mut arguments, &mut self.world) {
            return;
        }
        if matches!(number, l::SYS_fork | l::SYS_clone) {
            return self.fork(number, arguments);
        }
        if self.verbose {
            println!("{number} {arguments:x?}");
        }
        self.made.fetch_add(1, Relaxed);
        let answer = raw::call(number.cast_unsigned(), arguments);
        if self.verbose {
            println!("  = {answer}");
        }
        self.remember(number, answer);
    }

    /// Descriptors and mappings that a call has made are played with from then on.
    fn remember(&mut self, number: i64, answer: i64) {
        match number {
            l::SYS_open
            | l::SYS_openat
            | l::SYS_creat
            | l::SYS_dup
            | l::SYS_fcntl
            | l::SYS_memfd_create
            | BUILDER..=OF_FILE
                if (3..200).contains(&answer) =>
            {
                self.world.add_descriptor(answer);
            }
            l::SYS_mmap | l::SYS_mremap if answer > 0x1_0000 => {
                self.world.add_address(answer.cast_unsigned());
            }
            _ => {}
        }
    }

    /// A child that goes on for a while, with numbers of its own.
    fn fork(&mut self, number: i64, mut arguments: [u64; 6]) {
        if self.depth > 1 || self.children == 0 {
            return;
        }
        self.children -= 1;
        let flags = self.world.random.edge() & !(l::CLONE_VM as u64);
        let plain = self.world.random.one_in(2);
        // A stack of its own is one that the child cannot go on with.
        arguments[1] = 0;
        arguments[0] = if plain { l::SIGCHLD as u64 } else { flags };
        self.made.fetch_add(1, Relaxed);
        if raw::call(number.cast_unsigned(), arguments) != 0 {
            return;
        }
        self.depth += 1;
        self.children = 1;
        keep_going();
        self.world.random = Random::new(self.world.random.any() ^ u64::from(std::process::id()));
        let calls = self.world.random.below(CHILD);
        (0..calls).for_each(|_| self.act());
        raw::end(0)
    }

    /// Random bytes as code, in a child that has a second at the most.
    fn strange_code(&mut self) {
        if self.children == 0 {
            return;
        }
        self.children -= 1;
        let child = raw::call(l::SYS_fork as u64, [0; 6]);
        if child == 0 {
            strange_child(&mut self.world);
        }
        let Ok(child) = i32::try_from(child) else {
            return;
        };
        let pause = l::timespec {
            tv_sec: 0,
            tv_nsec: 3_000_000,
        };
        // SAFETY: F1 and F2: the child that was just made.
        unsafe {
            l::nanosleep(&raw const pause, std::ptr::null_mut());
            l::kill(child, l::SIGKILL);
            l::waitpid(child, std::ptr::null_mut(), 0);
        }
    }
}

/// Instructions that lead into the kernel, or are not a program's: INT n, INT3, HLT, CLI, IN, OUT, IRET, INT1, POPF, far RET,
/// MOV to segments and control registers, and the second bytes of 0F groups.
const STRANGE: [u8; 20] = [
    0xcd, 0xcc, 0xf4, 0xfa, 0x0f, 0xec, 0xed, 0xcf, 0xf1, 0x9d, 0xcb, 0xf0, 0xdb, 0xc8, 0xd9, 0xae,
    0x01, 0x8e, 0x05, 0x34,
];
/// First bytes of instructions with vector registers, on which QEMU's translator itself has died.
const LEFT_OUT: [u8; 4] = [0xc4, 0xc5, 0x62, 0x8f];

fn strange_child(world: &mut World) -> ! {
    // SAFETY: F1.
    unsafe {
        l::signal(l::SIGALRM, l::SIG_DFL);
        l::alarm(1);
    }
    let page = anonymous(4096, l::MAP_PRIVATE);
    raw::call(l::SYS_mprotect as u64, [page, 4096, 7, 0, 0, 0]);
    let random = &mut world.random;
    let many = random.one_in(2);
    let start = std::ptr::with_exposed_provenance_mut::<u8>(page as usize);
    for index in 0..4096 {
        let any = random.any() as u8;
        let strange = many && index < 600 && !random.one_in(3);
        let byte = if strange { random.of(&STRANGE) } else { any };
        let byte = if LEFT_OUT.contains(&byte) { 0x90 } else { byte };
        // SAFETY: F2, the page was just mapped.
        unsafe { start.add(index).write(byte) };
    }
    let arguments = [(); 3].map(|()| value(Kind::Pointer, world));
    let offset = world.random.below(64) as usize;
    raw::run(start.wrapping_add(offset), arguments);
    raw::end(0)
}

/// Calls that change address spaces, or read and write through them.
fn is_of_memory(number: i64) -> bool {
    matches!(
        number,
        l::SYS_read
            | l::SYS_fstat
            | l::SYS_mmap..=l::SYS_munmap
            | l::SYS_pread64
            | l::SYS_mremap..=l::SYS_madvise
            | l::SYS_fork
            | l::SYS_uname
            | l::SYS_gettimeofday
            | l::SYS_mlock
            | l::SYS_munlock
            | l::SYS_getrandom
            | MIGRATE
            | PROCESS_INFO
            | PATCH
            | SLICE
            | APPEND
            | SNAPSHOT
    )
}

/// Returns from a handler through a frame that has been tampered with.
fn hostile_return(numbers: u64) {
    HOSTILE.store(numbers, Relaxed);
    raw::handle(l::SIGUSR1, tamper, l::SA_NODEFER);
    let own = u64::from(std::process::id());
    raw::call(l::SYS_tkill as u64, [own, l::SIGUSR1 as u64, 0, 0, 0, 0]);
}

/// The word of a signal frame's context that leads to the vector state (Linux's asm/sigcontext.h).
const VECTOR_STATE: usize = 28;

static HOSTILE: AtomicU64 = AtomicU64::new(0);

/// Changes words of the frame, and bytes of the vector state.
extern "C" fn tamper(_: i32, _: *mut l::siginfo_t, context: *mut l::c_void) {
    let mut random = Random::new(HOSTILE.load(Relaxed));
    let words = context.cast::<u64>();
    let context = context.cast::<l::ucontext_t>();
    for _ in 0..=random.below(8) {
        // SAFETY: F2, the kernel's frame, which is larger than what is changed of it.
        unsafe {
            match random.below(4) {
                0 => words.add(random.below(40) as usize).write(random.edge()),
                1 => {
                    let register = random.below(23) as usize;
                    (*context).uc_mcontext.gregs[register] = random.edge().cast_signed();
                }
                2 => {
                    let flags = &mut (*context).uc_mcontext.gregs[l::REG_EFL as usize];
                    *flags ^= 1 << random.below(32);
                }
                _ => {
                    let state = words.add(VECTOR_STATE).read() as usize;
                    let state = std::ptr::with_exposed_provenance_mut::<u8>(state);
                    if !state.is_null() {
                        let most = random.of(&[512, 576, 800]);
                        state
                            .add(random.below(most) as usize)
                            .write(random.any() as u8);
                    }
                }
            }
        }
    }
}
