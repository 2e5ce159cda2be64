//! What the loader said, in the log.

use super::BootInfo;
use core::fmt;

/// APIC ids, the first core's first.
struct Cores<'a>(&'a BootInfo);

impl fmt::Display for Cores<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.first_apic_id)?;
        let others = self.0.cores.iter().map(|core| core.lapic_id);
        for id in others.filter(|id| *id != self.0.first_apic_id) {
            write!(f, " {id}")?;
        }
        Ok(())
    }
}

impl BootInfo {
    /// Logs everything at level `debug`.
    pub fn tell(&self) {
        if !log::log_enabled!(log::Level::Debug) {
            return;
        }
        log::debug!("command line: {}", self.command_line.line());
        for range in self.memory {
            log::debug!("memory: {range}");
        }
        log::debug!("cores: {}", Cores(self));
        let archive = self.root_archive.map_or(0, <[u8]>::len);
        log::debug!("archive of files: {archive} bytes");
        match self.screen {
            Some(screen) => log::debug!("screen: {} x {}", screen.width, screen.height),
            None => log::debug!("screen: none"),
        }
    }
}
