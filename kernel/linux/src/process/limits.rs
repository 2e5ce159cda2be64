//! Resource limits (getrlimit(2)): which there are, and what a process may have.

/// No limit.
pub const INFINITY: u64 = u64::MAX;
/// How many resources there are (RLIM_NLIMITS).
pub const COUNT: usize = 16;
/// Seconds of processor time.
pub const CPU: usize = 0;
/// Bytes of a file.
pub const FSIZE: usize = 1;
/// Bytes of heap.
pub const DATA: usize = 2;
/// Bytes of stack.
pub const STACK: usize = 3;
/// Bytes of a core file.
pub const CORE: usize = 4;
/// Processes.
pub const NPROC: usize = 6;
/// Bytes of stack that a program may have, unless somebody says otherwise (_STK_LIM of Linux).
const DEFAULT_STACK: u64 = 8 << 20;
/// Descriptors.
pub const NOFILE: usize = 7;
/// Bytes of locked memory.
pub const MEMLOCK: usize = 8;
/// Bytes of address space.
pub const AS: usize = 9;
/// Signals that wait with what goes with them, of a process.
pub const SIGPENDING: usize = 11;
/// Bytes in message queues.
const MSGQUEUE: usize = 12;
/// 20 - the least nice value that may be chosen.
pub const NICE: usize = 13;
const RTPRIO: usize = 14;
/// Processes of a user.
const PROCESSES: u64 = 32768;
/// The most descriptors a process may ask for (fs.nr_open).
pub const NR_OPEN: u64 = 1 << 20;

/// The most signals that wait with their details for a process, whatever its limit (RLIMIT_SIGPENDING).
pub const DETAILS: u64 = 1024;

/// The limits of a process: current and maximum, by resource.
#[derive(Clone, Copy, Debug)]
pub struct Limits([[u64; 2]; COUNT]);

impl Limits {
    /// Those that bind an address space.
    pub fn of_memory(&self) -> vm::space::Limits {
        vm::space::Limits {
            address_space: self.current(AS),
            data: self.current(DATA),
            stack: self.current(STACK),
            locked: u64::MAX,
        }
    }

    /// What init starts with: Linux's defaults, where those depend on the memory as for a large one.
    pub const fn initial() -> Self {
        let mut limits = [[INFINITY; 2]; COUNT];
        limits[STACK] = [DEFAULT_STACK, INFINITY];
        limits[CORE] = [0, INFINITY];
        limits[NPROC] = [PROCESSES; 2];
        limits[NOFILE] = [1024, 4096];
        limits[MEMLOCK] = [8 << 20; 2];
        limits[SIGPENDING] = [DETAILS; 2];
        limits[MSGQUEUE] = [819_200; 2];
        limits[NICE] = [0; 2];
        limits[RTPRIO] = [0; 2];
        Self(limits)
    }

    /// All of them.
    pub const fn words(&self) -> [[u64; 2]; COUNT] {
        self.0
    }

    /// Limits of these words; what is missing is without limit.
    pub fn from_words(words: &[[u64; 2]]) -> Self {
        let mut limits = [[INFINITY; 2]; COUNT];
        limits
            .iter_mut()
            .zip(words)
            .for_each(|(limit, words)| *limit = *words);
        Self(limits)
    }

    /// Sets the limit in force and the maximum of a resource.
    pub fn set(&mut self, resource: usize, limit: [u64; 2]) {
        self.0[resource] = limit;
    }

    /// Sets the limit in force for a resource.
    pub fn set_current(&mut self, resource: usize, limit: u64) {
        self.0[resource][0] = limit;
    }

    /// A program that gets other rights than who executes it does not get a stack of the latter's choice either, which says where
    /// mappings go.
    pub fn protect(&mut self) {
        let [stack, _] = &mut self.0[STACK];
        *stack = (*stack).min(DEFAULT_STACK);
    }

    /// The limit in force for a resource.
    pub fn current(&self, resource: usize) -> u64 {
        self.0[resource][0]
    }
}
