//! Starting the other processors (Intel SDM volume 3, 9.4; Limine protocol, MP Feature).
//!
//! All are sent INIT, then all a start-up interrupt, and all are waited for together, so that the time does not grow
//! with their number. A processor that arrives picks a stack by the order of arrival, finds its entry by its APIC ID,
//! says that it is there, and parks.

use super::{HHDM, REACH, apic::LocalApic, clock, cpu, departure::Departure, memory, serial};
use alloc::vec::Vec;
use braid_firmware::acpi::madt::{Madt, Processor};
use braid_loader::{
    map::{Kind, MapError, MemoryMap, PAGE},
    protocol::MpInfo,
    respond::Processors,
};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// Most processors that are listed.
const MAX: usize = 256;

/// Real mode reaches the first MiB.
const REAL_MODE: u64 = 1 << 20;

/// How long the others may be silent, with none new arriving, until they are given up. Generous, because a virtual
/// processor may have to wait for a busy host.
const PATIENCE_MS: u32 = 5000;

/// After this a second start-up interrupt goes to those that have not answered (Intel SDM volume 3, 9.4.4).
const SECOND_TRY_MS: u32 = 10;

/// How often a parked processor looks whether it may go, in ticks of the local APIC timer: 4 ms in QEMU.
const POLL_TICKS: u32 = 4_000_000;

/// Processors that have come to the trampoline's end.
pub(super) static ARRIVALS: AtomicU32 = AtomicU32::new(0);
/// Physical address of their stacks, one after the other.
pub(super) static STACKS: AtomicU32 = AtomicU32::new(0);
/// Bytes of each.
pub(super) static STACK_SIZE: AtomicU32 = AtomicU32::new(0);
/// How many there are.
pub(super) static STACK_COUNT: AtomicU32 = AtomicU32::new(0);

static INFOS: AtomicPtr<MpInfo> = AtomicPtr::new(core::ptr::null_mut());
static COUNT: AtomicU32 = AtomicU32::new(0);
static ANSWERED: [AtomicBool; MAX] = [const { AtomicBool::new(false) }; MAX];
static X2APIC: AtomicBool = AtomicBool::new(false);
/// Root of the kernel's tables.
static ROOT: AtomicU64 = AtomicU64::new(0);

unsafe extern "C" {
    /// In `entry.s`: code without absolute references to itself.
    static ap_trampoline: u8;
    static ap_trampoline_end: u8;
}

/// Everything that starting them needs, allocated before the kernel's tables are made.
pub(super) struct Plan {
    apic: LocalApic,
    bsp: u32,
    infos: &'static [MpInfo],
    trampoline: u64,
}

impl Plan {
    /// Lists the processors and takes memory for them. `None` when they could not be started: no local APIC.
    ///
    /// # Errors
    /// When there is not enough memory for their stacks of `stack_size` bytes each, or for the trampoline.
    pub(super) fn new(
        map: &mut MemoryMap,
        madt: Madt<'_>,
        x2apic: bool,
        stack_size: u64,
    ) -> Result<Option<Self>, MapError> {
        let Some(apic) = LocalApic::enable(x2apic) else {
            return Ok(None);
        };
        let bsp = apic.id();
        let mut listed: Vec<Processor> = madt
            .processors()
            .filter(|p| apic.reaches(p.apic_id))
            .take(MAX)
            .collect();
        if !listed.iter().any(|processor| processor.apic_id == bsp) {
            listed.truncate(MAX - 1);
            listed.insert(
                0,
                Processor {
                    uid: 0,
                    apic_id: bsp,
                },
            );
        }
        let infos: Vec<MpInfo> = listed
            .iter()
            .map(|p| MpInfo {
                processor_id: p.uid,
                apic_id: p.apic_id,
                reserved: 0,
                goto_address: AtomicU64::new(0),
                extra: 0,
            })
            .collect();
        let others = infos.len() as u64 - 1;
        let mut plan = Self {
            apic,
            bsp,
            infos: infos.leak(),
            trampoline: 0,
        };
        if others > 0 {
            let too_much = MapError::NoMemory(stack_size.div_ceil(1024), REACH);
            let length = stack_size
                .checked_mul(others)
                .filter(|&length| length < REACH)
                .ok_or(too_much)?;
            let stacks = map.allocate(length, PAGE, REACH, Kind::BootloaderReclaimable)?;
            STACKS.store(stacks as u32, Ordering::Relaxed);
            STACK_SIZE.store(stack_size as u32, Ordering::Relaxed);
            STACK_COUNT.store(others as u32, Ordering::Relaxed);
            plan.trampoline = map.allocate(PAGE, PAGE, REAL_MODE, Kind::BootloaderReclaimable)?;
        }
        Ok(Some(plan))
    }

    /// Starts them, with `root` as the kernel's tables, and waits until they are parked.
    pub(super) fn start(self, root: u64) -> Processors<'static> {
        let others: Vec<(usize, u32)> = self.others().collect();
        if !others.is_empty() {
            self.publish(root);
            for &(_, apic_id) in &others {
                self.apic.send_init(apic_id);
            }
            let page = (self.trampoline / PAGE) as u8;
            clock::wait(10, || false);
            for &(_, apic_id) in &others {
                self.apic.send_start_up(apic_id, page);
            }
            if !clock::wait(SECOND_TRY_MS, || self.silent().count() == 0) {
                self.silent()
                    .for_each(|apic_id| self.apic.send_start_up(apic_id, page));
            }
            self.wait_for_all();
        }
        let is_up = |index: usize| {
            self.infos[index].apic_id == self.bsp || ANSWERED[index].load(Ordering::Acquire)
        };
        let infos = (0..self.infos.len())
            .filter(|&index| is_up(index))
            .map(|index| &self.infos[index])
            .collect();
        Processors {
            x2apic: self.apic.is_x2apic(),
            bsp_apic_id: self.bsp,
            infos,
        }
    }

    fn others(&self) -> impl Iterator<Item = (usize, u32)> {
        let all = self.infos.iter().map(|info| info.apic_id).enumerate();
        all.filter(|(_, apic_id)| *apic_id != self.bsp)
    }

    fn silent(&self) -> impl Iterator<Item = u32> {
        self.others()
            .filter(|(index, _)| !ANSWERED[*index].load(Ordering::Acquire))
            .map(|(_, apic_id)| apic_id)
    }

    fn publish(&self, root: u64) {
        X2APIC.store(self.apic.is_x2apic(), Ordering::Relaxed);
        ROOT.store(root, Ordering::Relaxed);
        COUNT.store(self.infos.len() as u32, Ordering::Relaxed);
        INFOS.store(self.infos.as_ptr().cast_mut(), Ordering::Release);
        let (from, to) = (&raw const ap_trampoline, &raw const ap_trampoline_end);
        let length = to.addr() - from.addr();
        // SAFETY: L10, the trampoline lies between its symbols; L3, its page is ours, below 1 MiB, and mapped.
        unsafe {
            let page = core::ptr::with_exposed_provenance_mut::<u8>(self.trampoline as usize);
            page.copy_from_nonoverlapping(from, length);
        }
    }

    /// Waits as long as new ones answer within the patience; resets and names those that never do.
    fn wait_for_all(&self) {
        let mut missing = self.silent().count();
        while missing > 0 {
            if !clock::wait(PATIENCE_MS, || self.silent().count() < missing) {
                break;
            }
            missing = self.silent().count();
        }
        for apic_id in self.silent() {
            // It must not come to the trampoline later, when the memory is another's.
            self.apic.send_init(apic_id);
            serial::line(format_args!(
                "warning: the processor with APIC ID {apic_id} does not answer; left out"
            ));
        }
    }
}

/// The first Rust code of another processor, with the top of the stack it has picked.
pub(super) extern "C" fn start_other(stack: u64) -> ! {
    cpu::prepare();
    let infos = INFOS.load(Ordering::Acquire);
    let Some(apic) = LocalApic::enable(X2APIC.load(Ordering::Relaxed)) else {
        cpu::halt()
    };
    let apic_id = apic.id();
    let count = (COUNT.load(Ordering::Relaxed) as usize).min(MAX);
    // SAFETY: L10, `INFOS` is the leaked list of `COUNT` entries; only the kernel writes to it, later.
    let infos = unsafe { core::slice::from_raw_parts(infos, count) };
    let Some(index) = infos.iter().position(|info| info.apic_id == apic_id) else {
        cpu::halt()
    };
    let info = &infos[index];
    ANSWERED[index].store(true, Ordering::Release);
    let goto = &info.goto_address;
    apic.sleep_until(POLL_TICKS, || goto.load(Ordering::Acquire) != 0);
    Departure {
        entry: goto.load(Ordering::Acquire),
        stack: stack + HHDM,
        root: ROOT.load(Ordering::Relaxed),
        argument: memory::physical(info) + HHDM,
    }
    .go()
}
