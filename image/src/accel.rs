//! Chooses how the machine's instructions are executed.

use std::fs::OpenOptions;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::machine::Engine;
use crate::progress::Voice;
use crate::qemu;
use crate::setup::Qemu;

/// How long the probe machine may take.
const PROBE: Duration = Duration::from_secs(3);
/// QEMU's status when the loader refuses to boot: (0x12 << 1) | 1.
const REFUSED: i32 = 37;

/// What the user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Accel {
    /// KVM if it proves to work, else TCG.
    #[default]
    Auto,
    /// QEMU's translator.
    Tcg,
    /// The host's processor.
    Kvm,
}

/// Decides, and says what was chosen and why unless the user chose.
///
/// # Errors
/// KVM is asked for and is not there, or together with counted instructions.
pub fn choose(
    accel: Accel,
    counted: bool,
    qemu: &Qemu,
    loader: &Path,
    voice: Voice,
) -> Result<Engine> {
    match (accel, counted) {
        (Accel::Kvm, true) => bail!("--icount counts instructions under TCG only, not under KVM"),
        (_, true) => Ok(Engine::Counted),
        (Accel::Tcg, _) => Ok(Engine::Tcg),
        (Accel::Kvm, _) => match device() {
            Ok(()) => Ok(Engine::Kvm),
            Err(why) => bail!("--accel kvm: {why}"),
        },
        (Accel::Auto, _) => {
            let usable = has_flag().and_then(|()| device());
            let (engine, why) = match usable.and_then(|()| boots(qemu, loader)) {
                Ok(()) => (Engine::Kvm, "a probe machine booted under it".to_owned()),
                Err(why) => (Engine::Tcg, why),
            };
            let name = if engine == Engine::Kvm {
                "KVM"
            } else {
                "TCG, multi-threaded"
            };
            voice.say(&format!("running on {name} ({why})"));
            Ok(engine)
        }
    }
}

fn has_flag() -> Result<(), String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = text
        .lines()
        .find(|line| line.starts_with("flags"))
        .unwrap_or_default();
    if flags
        .split_whitespace()
        .any(|flag| flag == "vmx" || flag == "svm")
    {
        return Ok(());
    }
    Err("no KVM: the host's processor shows neither vmx nor svm".to_owned())
}

fn device() -> Result<(), String> {
    let opened = OpenOptions::new().read(true).write(true).open("/dev/kvm");
    opened
        .map(drop)
        .map_err(|error| format!("no KVM: /dev/kvm: {error}"))
}

/// Boots the loader without a boot volume, which makes it say that it refuses: proof that it ran.
fn boots(qemu: &Qemu, loader: &Path) -> Result<(), String> {
    let failed = |how: &str| Err(format!("no KVM: its probe machine {how}"));
    let Ok(mut child) = qemu::probe(qemu, loader) else {
        return failed("did not start");
    };
    let start = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status.code(),
            Ok(None) if start.elapsed() < PROBE => std::thread::sleep(Duration::from_millis(10)),
            Ok(None) | Err(_) => {
                // A process stuck in the device dies when the host lets it: it is not waited for.
                let _ = child.kill();
                return failed("did not come alive in time");
            }
        }
    };
    if status == Some(REFUSED) {
        Ok(())
    } else {
        failed("failed")
    }
}
