//! reboot(2).

use super::call::{Call, SysResult};
use super::errno::Errno;
use crate::console;
use machine::power;

const MAGIC: u32 = 0xfee1_dead;
/// Any of these has to be the second argument (Linux' include/uapi/linux/reboot.h).
const MAGICS: [u32; 4] = [672_274_793, 85_072_278, 369_367_448, 537_993_216];

const RESTART: u32 = 0x0123_4567;
const HALT: u32 = 0xcdef_0123;
const POWER_OFF: u32 = 0x4321_fedc;
const KEYS_ON: u32 = 0x89ab_cdef;
const KEYS_OFF: u32 = 0;

/// Restarts, halts or powers off the machine at once; for user 0. What Ctrl-Alt-Del does cannot be changed: there is no
/// keyboard.
pub fn reboot(call: &mut Call) -> SysResult {
    let [first, second, command, ..] = call.args.map(|word| word as u32);
    if !call.process.credentials.lock().is_privileged() {
        return Err(Errno::EPERM.into());
    }
    if first != MAGIC || !MAGICS.contains(&second) {
        return Err(Errno::EINVAL.into());
    }
    match command {
        RESTART => power::restart(),
        HALT => power::stop(),
        POWER_OFF => console::exit(0),
        KEYS_ON | KEYS_OFF => Ok(0),
        _ => Err(Errno::EINVAL.into()),
    }
}
