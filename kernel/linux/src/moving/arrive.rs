//! Arriving: an offered process is made from its image, or refused.

use super::image;
use crate::file::remote::image as files;
use crate::moving::depart::HasMoving as _;
use crate::process::thread::give_space;
use crate::process::{Pid, account, table, users};
use crate::signal::alarm;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;
use fallible::{collect, to_vec};
use machine::cpu;
use mem::OfTorus as _;
use sched::Frozen;
use tori::Torus;
use tori::rings;
use torus::TorusId;
use torus::migrate::{Claim, Effect, Effects, PullMachine};
use torus::migrate::{Message, Refusal};
use travel::home;
use travel::lease;
use travel::migrated::{self, MigratedPages};
use vm::addr::Frame;

/// The torus `from` offers a process.
pub fn offered(from: TorusId, pid: Pid, image: Frame) {
    let reason = if travel::per_torus::is_draining() {
        Refusal::Draining
    } else {
        match adopt(from, pid, image) {
            Ok(()) => return,
            Err(errno) => {
                log::debug!("process {pid} is refused: {errno:?}");
                Refusal::Memory
            }
        }
    };
    rings::send(from, Message::Refused { pid, reason });
}

/// Pages that programs can still get, in memory and in swap.
fn room(torus: &Torus) -> u64 {
    let swap = torus.kept().swap();
    torus.for_programs() + swap.map_or(0, |swap| swap.slots().available())
}

fn adopt(from: TorusId, pid: Pid, first: Frame) -> Result<(), Errno> {
    account::open()?;
    if !users::takes_in() {
        return Err(Errno::ENOMEM);
    }
    let mut arrival = image::read(pid, from, first)?;
    cpu::let_interrupts_in();
    let torus = tori::here();
    let process = arrival.process.clone();
    let claims: Vec<Claim> = collect(arrival.claims.iter().map(|(claim, _)| *claim))?;
    // A process that comes back has its old name in the reverse map, which frames of it have kept.
    let back = claims.iter().find(|claim| claim.home == torus.id);
    let lineage = back.and_then(|claim| home::lineage(claim.deposit));
    // Until nothing can refuse the process any more its claims are not the space's: they would end with it.
    let space = arrival.space(
        torus,
        lineage.unwrap_or_else(|| torus.kept().names.lineage()),
    )?;
    let mut effects = Effects::new();
    let resident = PullMachine::adopt(pid, from, to_vec(&claims)?, &mut effects);
    let host = fallible::boxed(MigratedPages::new(resident))?;
    let mut thread = arrival.thread(&process)?;
    give_space(&mut thread, space.clone());
    // A core that finds the thread in the table cannot wake it before all is in place.
    let thread = Frozen::new(thread)?;
    process.set_thread(Some(Arc::clone(&thread)));
    process
        .crowds
        .store(arrival.pages > room(torus), Ordering::Relaxed);
    process.moving().lock().arrived = Some(arrival.frozen_at);
    if let Err(error) = migrated::announce(&claims) {
        process.set_thread(None);
        return Err(error.into());
    }
    if table().arrive(process.clone(), &arrival.record).is_err() {
        migrated::unregister(&claims);
        process.set_thread(None);
        return Err(Errno::ENOMEM);
    }
    cpu::let_interrupts_in();
    users::set_counted(&process, true);
    space.with_pages(|_, remote| *remote = Some(host));
    files::settle(&process);
    cpu::let_interrupts_in();
    lease::holder::settle(&space);
    cpu::let_interrupts_in();
    for effect in &*effects {
        if let Effect::Send { to, message } = *effect {
            rings::send(to, message);
        }
    }
    // Now: a core that idles may release a deposit at once, and its home must have heard of the arrival before.
    migrated::register(&space, &claims);
    alarm::restore(&thread, arrival.alarm);
    thread.thaw();
    Ok(())
}
